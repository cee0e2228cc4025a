#include "core/requests/inbox.hpp"

#include <gtest/gtest.h>

#include <random>

namespace brood::core {
namespace inbox_test {
using namespace std::chrono_literals;

Request asked(const std::string& node, std::uint64_t view, std::uint64_t number) {
  LookupRequest request;
  request.request.node = NodeName(node);
  request.request.number = number;
  request.view = view;
  return request;
}
std::uint64_t number_of(const Request& request) {
  return std::get<LookupRequest>(request).request.number;
}

TEST(Inbox, KeepsTheOrderAndOnlyTheViewThatIsSaid) {
  Inbox inbox;
  inbox.push(asked("a@h", 1, 1));
  inbox.push(asked("b@h", 1, 2));
  inbox.push(asked("a@h", 2, 3));
  inbox.push(asked("a@h", 3, 4));
  inbox.keep_only(NodeName("a@h"), 2);
  EXPECT_EQ(inbox.size(), 2U);
  EXPECT_EQ(number_of(inbox.pop().value()), 2U);
  EXPECT_EQ(number_of(inbox.pop().value()), 3U);
  EXPECT_TRUE(inbox.empty());
}

TEST(Inbox, OneMessageOfEachRequestIsServedInTurn) {
  Inbox inbox;
  for (int i = 0; i < 3; ++i) inbox.push(asked("a@h", 1, 1));
  inbox.push(asked("b@h", 1, 2));
  std::vector<std::uint64_t> served;
  while (!inbox.empty()) served.push_back(number_of(inbox.pop().value()));
  EXPECT_EQ(served, (std::vector<std::uint64_t>{1, 2, 1, 1})) << "the single one waits for one message only";
  EXPECT_EQ(inbox.size(), 0U);
}

TEST(Inbox, WhatIsTooOldIsPassedOverAndACopyOfItIsNot) {
  Inbox inbox;
  inbox.push(asked("a@h", 1, 1), 20s);
  inbox.push(asked("a@h", 2, 1), 30s);
  inbox.push(asked("b@h", 1, 2), 20s);
  inbox.push(asked("c@h", 1, 3));
  EXPECT_EQ(view_of(inbox.pop(20s).value()), 2U);
  EXPECT_FALSE(inbox.pop(20s).has_value());
  EXPECT_EQ(inbox.size(), 1U);
  EXPECT_EQ(number_of(inbox.pop(1h).value()), 3U);
  EXPECT_TRUE(inbox.empty());
}

TEST(Inbox, DoesWhatAListThatIsWalkedDoes) {
  std::mt19937 random(7);
  const std::vector<std::string> nodes = {"a@h", "b@h", "c@h"};
  Inbox inbox;
  std::vector<Request> dumb;
  for (std::uint64_t step = 1; step <= 20'000; ++step) {
    const std::string& node = nodes[random() % nodes.size()];
    const std::uint64_t view = random() % 3;
    switch (random() % 8) {
      case 0:
        inbox.keep_only(NodeName(node), view);
        std::erase_if(dumb, [&](const Request& one) {
          const auto& request = std::get<LookupRequest>(one);
          return request.request.node.text() == node && request.view != view;
        });
        break;
      case 1:
      case 2:
      case 3:
        if (dumb.empty()) break;
        ASSERT_EQ(number_of(inbox.pop().value()), number_of(dumb.front())) << "step " << step;
        dumb.erase(dumb.begin());
        break;
      default:
        inbox.push(asked(node, view, step));
        dumb.push_back(asked(node, view, step));
    }
    ASSERT_EQ(inbox.size(), dumb.size()) << "step " << step;
  }
}

}  // namespace inbox_test
}  // namespace brood::core
