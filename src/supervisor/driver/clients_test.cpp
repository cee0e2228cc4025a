#include "supervisor/driver/clients.hpp"

#include <gtest/gtest.h>

namespace brood::supervisor {
namespace clients_test {

using namespace std::chrono_literals;

core::Outcome outcome(const char* id) {
  core::Outcome made;
  made.id = *ChildId::binary(id);
  return made;
}

struct Seen {
  int calls = 0;
  std::size_t outcomes = 0;
  bool timed_out = false;
  ClientDone done() {
    return [this](const Outcomes& all, bool late) {
      ++calls;
      outcomes = all.size();
      timed_out = late;
    };
  }
};

TEST(Clients, AnswersAreCollectedUntilTheLastOne) {
  Clients clients;
  Seen seen;
  const auto id = clients.add(seen.done(), SteadyTime{} + 9s);
  clients.reply({id, {outcome("a")}, false});
  EXPECT_EQ(seen.calls, 0);
  clients.reply({id, {outcome("b"), outcome("c")}, true});
  EXPECT_EQ(seen.calls, 1);
  EXPECT_EQ(seen.outcomes, 3U);
  EXPECT_FALSE(seen.timed_out);
  clients.reply({id, {}, true});
  EXPECT_EQ(seen.calls, 1);
  EXPECT_EQ(clients.next_deadline(), std::nullopt);
}

TEST(Clients, AnswersThatAreExpectedHaveTheirPlaceFromTheBeginning) {
  Clients clients;
  std::size_t places = 0;
  const auto id =
      clients.add([&](const Outcomes& all, bool) { places = all.capacity(); }, SteadyTime{} + 9s, 1000);
  for (int i = 1; i <= 1000; ++i) clients.reply({id, {outcome("a")}, i == 1000});
  EXPECT_EQ(places, 1000U) << "they were moved to a larger place";
}

TEST(Clients, AfterItsTimeEachGetsWhatThereIsAndTheCoreIsToTellThatItIsGone) {
  Clients clients;
  Seen early, late;
  const auto first = clients.add(early.done(), SteadyTime{} + 1s);
  (void)clients.add(late.done(), SteadyTime{} + 5s);
  clients.reply({first, {outcome("a")}, false});
  EXPECT_EQ(clients.next_deadline(), SteadyTime{} + 1s);
  EXPECT_EQ(clients.expire(SteadyTime{} + 2s), std::vector{first});
  EXPECT_TRUE(early.timed_out);
  EXPECT_EQ(early.outcomes, 1U);
  EXPECT_EQ(late.calls, 0);
  EXPECT_EQ(clients.size(), 1U);
}

TEST(Clients, ADoneMayAskAnew) {
  Clients clients;
  Seen second;
  (void)clients.add([&](const Outcomes&, bool) { (void)clients.add(second.done(), SteadyTime{} + 1s); },
                    SteadyTime{});
  (void)clients.expire(SteadyTime{});
  EXPECT_EQ(clients.size(), 1U);
  clients.give_up_all();
  EXPECT_EQ(second.calls, 1);
  EXPECT_TRUE(second.timed_out);
}

}  // namespace clients_test
}  // namespace brood::supervisor
