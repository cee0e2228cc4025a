// Choosing strategies: by name with settings, or an object of one's own; what is wrong is said in words.
#include "core/placement/choice.hpp"

#include <gtest/gtest.h>

#include "core/placement/settings_reader.hpp"

namespace brood::core {
namespace choice_test {

class Pair final : public Redundancy {
 public:
  [[nodiscard]] std::string name() const override { return "pair/1"; }
  [[nodiscard]] std::size_t instances(std::size_t eligible) const override {
    return std::min<std::size_t>(eligible, 2);
  }
};

class Nameless final : public Redundancy {
 public:
  [[nodiscard]] std::string name() const override { return ""; }
  [[nodiscard]] std::size_t instances(std::size_t /*eligible*/) const override { return 1; }
};

TEST(Choice, WhatIsChosenWhereNothingIsSaid) {
  const Strategies strategies = built_in_strategies();
  EXPECT_EQ(strategies.distribution->name(), "weighted_rendezvous/1");
  EXPECT_EQ(strategies.redundancy->name(), "singularity/1");
  EXPECT_EQ(strategies.migration->name(), "cold_swap/1");
  EXPECT_EQ(strategies.synchronisation->name(), "pubsub/1");
  EXPECT_EQ(strategies.partition->name(), "divergence/1");
}

TEST(Choice, AnUnknownNameNamesThoseThatAre) {
  const auto made = make_strategies({.migration = "warm_swap"});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Errc::invalid_argument);
  EXPECT_NE(made.error().message.find("no migration strategy 'warm_swap'; there are: cold_swap, hot_swap"),
            std::string::npos)
      << made.error().message;
}

TEST(Choice, ASettingThatThereIsNotIsAnError) {
  const auto fine = check_strategy("partition", {"divergence", {{"quorum", std::int64_t{3}}}});
  ASSERT_FALSE(fine);
  EXPECT_EQ(fine.error().message,
            "partition strategy 'divergence': setting 'quorum' is unknown: it has none");
  EXPECT_FALSE(check_strategy("colour", {"red"}));
}

TEST(Choice, AnObjectOfOnesOwnIsTakenAsItIs) {
  const auto own = std::make_shared<Pair>();
  const auto made = make_strategies({.redundancy = own});
  ASSERT_TRUE(made);
  EXPECT_EQ(made->redundancy, own);
  EXPECT_FALSE(make_strategies({.redundancy = std::shared_ptr<Pair>()}));
  EXPECT_FALSE(make_strategies({.redundancy = std::make_shared<Nameless>()}));
}

TEST(SettingsReader, ReadsEachKindWithinItsBounds) {
  const StrategySettings given{{"flag", true},
                               {"count", std::int64_t{3}},
                               {"share", 0.5},
                               {"wait_ms", std::int64_t{250}},
                               {"mode", std::string("b")},
                               {"nodes", std::vector<std::string>{"n1", "n2"}}};
  SettingsReader reader(given, "test");
  EXPECT_TRUE(reader.boolean("flag", false));
  EXPECT_EQ(reader.integer("count", 1, 1, 3), 3);
  EXPECT_EQ(reader.number("share", 0, 0, 1), 0.5);
  EXPECT_EQ(reader.milliseconds("wait_ms", {}, std::chrono::milliseconds(0), std::chrono::milliseconds(1000))
                .count(),
            250);
  EXPECT_EQ(reader.one_of("mode", "a", {"a", "b"}), "b");
  EXPECT_EQ(reader.texts("nodes").size(), 2U);
  EXPECT_EQ(reader.text("absent", "there"), "there");
  EXPECT_TRUE(reader.finish());
}

TEST(SettingsReader, SaysWhatIsWrongAndWhatIsAllowed) {
  const auto complaint = [](Setting value, auto read) {
    const StrategySettings given{{"key", std::move(value)}};
    SettingsReader reader(given, "test");
    read(reader);
    const auto fine = reader.finish();
    return fine ? std::string() : fine.error().message;
  };
  EXPECT_EQ(complaint(std::int64_t{4}, [](auto& reader) { (void)reader.integer("key", 1, 1, 3); }),
            "test: setting 'key' must be a whole number from 1 to 3");
  EXPECT_EQ(complaint(std::string("x"), [](auto& reader) { (void)reader.boolean("key", false); }),
            "test: setting 'key' must be true or false");
  EXPECT_EQ(complaint(std::string("x"),
                      [](auto& reader) {
                        (void)reader.one_of("key", "a", {"a", "b"});
                      }),
            "test: setting 'key' must be one of \"a\", \"b\"");
  EXPECT_EQ(complaint(0.5, [](auto& reader) { (void)reader.integer("other", 1, 1, 3); }),
            "test: setting 'key' is unknown; allowed are other");
}

}  // namespace choice_test
}  // namespace brood::core
