#include "supervisor/node/peer_directory.hpp"

#include <gtest/gtest.h>

namespace brood::supervisor {
namespace peer_directory_test {

core::MemberEvent member(const std::string& node, core::MemberState state) {
  return {core::SessionId{NodeName(node), 1, 1}, state, ""};
}

TEST(PeerDirectory, ANodeThatGoesIsForgottenWithAllThatWasKnownOfIt) {
  PeerDirectory peers;
  for (int i = 0; i < 10000; ++i) {
    const NodeName client("brood-cli-" + std::to_string(i) + "@h");
    peers.up(client, 1);
    EXPECT_TRUE(peers.is_brood(client));
    EXPECT_FALSE(peers.is_brood(client));
    EXPECT_TRUE(peers.down(client, 1));
  }
  EXPECT_TRUE(peers.connected().empty());
  EXPECT_TRUE(peers.brood_nodes().empty());
}

// Its last words may be read after its connection was closed.
TEST(PeerDirectory, OneThatIsNotConnectedIsNotNotedAsBroods) {
  PeerDirectory peers;
  EXPECT_FALSE(peers.is_brood(NodeName("a@h")));
  EXPECT_TRUE(peers.brood_nodes().empty());
}

TEST(PeerDirectory, TheEndOfAFormerStartIsNotTheEndOfThePresentOne) {
  PeerDirectory peers;
  const NodeName node("a@h");
  peers.up(node, 1);
  peers.up(node, 2);
  EXPECT_FALSE(peers.down(node, 1));
  EXPECT_EQ(peers.creation_of(node), 2U);
  EXPECT_TRUE(peers.down(node, 2));
  EXPECT_FALSE(peers.creation_of(node));
}

TEST(PeerDirectory, MembersThatAreGoneAreShownForAWhileAndNoMoreThanSome) {
  PeerDirectory peers;
  peers.member_changed("web", member("stays@h", core::MemberState::up));
  for (int i = 0; i < 1000; ++i) {
    const std::string node = "pod-" + std::to_string(i) + "@h";
    peers.member_changed("web", member(node, core::MemberState::up));
    peers.member_changed("web", member(node, core::MemberState::down));
  }
  const auto members = peers.members();
  EXPECT_EQ(members.size(), PeerDirectory::gone_max + 1);
  EXPECT_TRUE(members.contains(NodeName("stays@h")));
  EXPECT_TRUE(members.contains(NodeName("pod-999@h")));
  EXPECT_FALSE(members.contains(NodeName("pod-0@h")));
}

TEST(PeerDirectory, OneThatIsGoneFromOneSupervisorAndUpInAnotherIsNotGone) {
  PeerDirectory peers;
  peers.member_changed("web", member("a@h", core::MemberState::up));
  peers.member_changed("jobs", member("a@h", core::MemberState::down));
  for (int i = 0; i < 1000; ++i)
    peers.member_changed("web", member("pod-" + std::to_string(i) + "@h", core::MemberState::left));
  EXPECT_TRUE(peers.members().at(NodeName("a@h")).at("web").up);
}

}  // namespace peer_directory_test
}  // namespace brood::supervisor
