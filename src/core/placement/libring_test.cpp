// Who owns what is what an OTP node says: a table of libring_oracle:golden(), and a live erl where there is
// one.
#include "core/placement/libring.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "core/placement/placement.hpp"

namespace brood::core {
namespace libring_test {

namespace fs = std::filesystem;

/// Nodes n1@host and on, of these weights.
std::vector<RingNode> nodes_of(const std::vector<std::uint32_t>& weights) {
  std::vector<RingNode> nodes;
  for (const std::uint32_t weight : weights)
    nodes.push_back({NodeName("n" + std::to_string(nodes.size() + 1) + "@host"), 0, weight});
  return nodes;
}

ChildId id_of(int i) {
  const std::string number = std::to_string(i);
  if (i % 2 == 0) return *ChildId::binary("child/" + number);
  return *ChildId::atom((i % 10 == 9 ? "kind_\xc3\xa4" : "child_") + number);
}

/// libring_oracle:term().
ChildId term_id(int i) {
  const Term number(i);
  switch (i % 5) {
    case 0:
      return *ChildId::from_term(Term::tuple({Term::atom("user"), number}));
    case 1:
      return *ChildId::from_term(Term(i * 1000003));
    case 2:
      return *ChildId::from_term(Term::string("room" + std::to_string(i)));
    case 3:
      return *ChildId::from_term(
          Term::tuple({Term::atom("Elixir.MyApp.ServiceMonitor"),
                       Term::tuple({Term(10), Term(0), Term(0), Term(i % 256)}), Term(i / 2.0)}));
    default:
      return *ChildId::from_term(
          Term::map({{Term::atom("kind"), Term::binary("device")},
                     {Term::atom("number"), number},
                     {Term(1), Term::improper_list({Term::atom("a")}, Term::atom("b"))}}));
  }
}

std::size_t owner(const Ring& ring, const ChildId& id) {
  return ring.first(ring_key(id));
}

std::string owners(const std::vector<std::uint32_t>& weights, int count, ChildId (*id)(int) = id_of) {
  const auto ring = Libring({}).prepare(nodes_of(weights));
  std::string all;
  for (int i = 0; i < count; ++i) all += std::to_string(owner(*ring, id(i)));
  return all;
}

// libring_oracle:rings(): a weight of 50 are 64 points.
const std::vector<std::vector<std::uint32_t>> rings{
    {100, 100, 100, 100, 100}, {50, 100, 150}, std::vector<std::uint32_t>(9, 100)};

// May never change.
TEST(Libring, GoldenVectorsOfAnOtpNode) {
  EXPECT_EQ(owners(rings[0], 40), "4204013214331333132023142224343013401432");
  EXPECT_EQ(owners(rings[1], 40), "2200012212021210112022122222012012021022");
  EXPECT_EQ(owners(rings[2], 40), "7284013814537733185025746264343013451485");
  EXPECT_EQ(owners(rings[0], 40, term_id), "4224123042112234241423223022011042232023");
  EXPECT_EQ(owners(rings[1], 40, term_id), "1220122022112222221222222022011012202022");
  EXPECT_EQ(owners(rings[2], 40, term_id), "4224123752188788571453253022811845536073");
}

TEST(Libring, HasTheOwnersThatErlangHas) {
  if (std::system("erl -version >/dev/null 2>&1") != 0) GTEST_SKIP() << "erl is not installed";
  const fs::path out = fs::temp_directory_path() / ("brood_libring_" + std::to_string(::getpid()));
  const std::string source = fs::path(__FILE__).parent_path() / "libring_oracle.erl";
  const std::string code = "{ok,M,B}=compile:file(\"" + source +
                           "\",[binary]),{module,M}=code:load_binary(M,\"oracle.beam\",B),M:main(\"" +
                           out.string() + "\"),halt(0).";
  ASSERT_EQ(std::system(("erl -noshell -kernel logger_level none -eval '" + code + "' </dev/null").c_str()),
            0);
  std::ifstream in(out);
  for (const auto& weights : rings) {
    std::string line;
    ASSERT_TRUE(std::getline(in, line));
    EXPECT_EQ(owners(weights, 400), line);
    ASSERT_TRUE(std::getline(in, line));
    EXPECT_EQ(owners(weights, 400, term_id), line);
  }
  fs::remove(out);
}

TEST(Libring, AtomsAreHashedAsTheOtpReleaseEncodesThem) {
  const auto older = Libring({}).prepare(nodes_of(rings[2]));
  const auto newer = Libring({.points = 128, .otp = 26}).prepare(nodes_of(rings[2]));
  int different = 0;
  for (int i = 0; i < 200; ++i) {
    const bool same = owner(*older, id_of(i)) == owner(*newer, id_of(i));
    if (id_of(i).kind() != IdKind::atom) {
      EXPECT_TRUE(same) << i;
    } else if (!same) {
      ++different;
    }
  }
  EXPECT_GT(different, 50);
  const ChildId no_latin1 = *ChildId::atom("\xe2\x82\xac");  // encoded in UTF-8 by all releases
  EXPECT_EQ(owner(*older, no_latin1), owner(*newer, no_latin1));
}

TEST(Libring, TheOrderIsThatOfTheNextPointsAndEachNodeComesOnce) {
  const auto nodes = nodes_of(rings[0]);
  const auto ring = Libring({}).prepare(nodes);
  for (int i = 0; i < 500; ++i) {
    const ChildId id = id_of(i);
    const auto order = ring->order(ring_key(id));
    ASSERT_EQ(order.size(), nodes.size());
    ASSERT_EQ(std::set<std::size_t>(order.begin(), order.end()).size(), nodes.size());
    ASSERT_EQ(order.front(), owner(*ring, id));
    // Who comes second is who owns it without the first.
    auto fewer = nodes;
    fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(order.front()));
    const std::size_t next = owner(*Libring({}).prepare(fewer), id);
    ASSERT_EQ(fewer[next].name, nodes[order[1]].name);
  }
}

TEST(Libring, SharesFollowTheWeights) {
  const auto ring = Libring({.points = 512, .otp = 25}).prepare(nodes_of({100, 300}));
  std::array<int, 2> share{};
  for (int i = 0; i < 20'000; ++i) ++share.at(owner(*ring, id_of(i)));
  EXPECT_NEAR(share[0], 5'000, 800);
}

TEST(Libring, ANodeHasTheWholeNumberOfPointsThatIsNearestToItsWeight) {
  const auto owners_with = [](std::uint32_t weight) {
    const auto ring = Libring({.points = 1, .otp = 25}).prepare(nodes_of({weight, 100}));
    std::string all;
    for (int i = 0; i < 100; ++i) all += std::to_string(owner(*ring, id_of(i)));
    return all;
  };
  ASSERT_NE(owners_with(200), owners_with(300));
  EXPECT_EQ(owners_with(249), owners_with(200));
  EXPECT_EQ(owners_with(250), owners_with(300));
}

TEST(Libring, ANodeHasAtLeastOnePointAndNotTooMany) {
  const auto tiny = Libring({.points = 1, .otp = 25}).prepare(nodes_of({1, 1, 1}));
  const ChildId id = id_of(0);
  EXPECT_EQ(tiny->order(ring_key(id)).size(), 3U);
  const auto huge = Libring({.points = 4096, .otp = 25}).prepare(nodes_of({1'000'000, 1}));
  EXPECT_EQ(huge->order(ring_key(id)).size(), 2U);
}

TEST(Libring, SettingsAreInTheNameThatNodesCompare) {
  const auto made =
      make_strategies({.distribution = StrategyChoice{"libring", {{"points", std::int64_t{64}}}}});
  ASSERT_TRUE(made);
  EXPECT_EQ(made->distribution->name(), "libring/1 points=64 otp=25");
  EXPECT_FALSE(check_strategy("distribution", {"libring", {{"points", std::int64_t{0}}}}));
  EXPECT_TRUE(check_strategy("distribution", {"libring", {{"otp", std::int64_t{27}}}}));
}

}  // namespace libring_test
}  // namespace brood::core
