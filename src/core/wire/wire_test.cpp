#include "core/wire/wire.hpp"

#include <gtest/gtest.h>

#include "core/wire/wire_samples.hpp"

namespace brood::core {
namespace wire_test {

TEST(Wire, EveryKindOfMessageComesBackAsItWas) {
  Samples samples(1);
  for (int round = 0; round < 200; ++round) {
    for (std::size_t kind = 0; kind < std::variant_size_v<MessageBody::Alternatives>; ++kind) {
      const MessageBody body = samples.message(kind);
      ASSERT_EQ(body.index(), kind);
      const Bytes bytes = encode(body);
      const auto back = decode(bytes);
      ASSERT_TRUE(back.has_value()) << "kind " << kind << ": " << back.error().message;
      EXPECT_EQ(back->index(), kind);
      // Every field is in the encoding, so equal encodings are equal messages.
      EXPECT_EQ(encode(*back), bytes) << "kind " << kind;
    }
  }
}

TEST(Wire, AMessageCutShortAnywhereIsMalformed) {
  Samples samples(2);
  for (std::size_t kind = 0; kind < std::variant_size_v<MessageBody::Alternatives>; ++kind) {
    const Bytes bytes = encode(samples.message(kind));
    for (std::size_t length = 0; length < bytes.size(); ++length) {
      const auto back = decode(BytesView(bytes).substr(0, length));
      ASSERT_FALSE(back.has_value()) << "kind " << kind << " cut to " << length;
      EXPECT_EQ(back.error().code, Errc::malformed);
    }
    EXPECT_FALSE(decode(bytes + "x").has_value());
  }
}

TEST(Wire, ChangedBytesNeverDoMoreThanFail) {
  Samples samples(3);
  for (int round = 0; round < 2000; ++round) {
    Bytes bytes = encode(samples.message(samples.below(std::variant_size_v<MessageBody::Alternatives>)));
    for (int i = 0; i < 3; ++i) bytes[samples.below(bytes.size())] = static_cast<char>(samples.below(256));
    const auto back = decode(bytes);
    EXPECT_TRUE(!back || decode(encode(*back))) << "what was read can be passed on";
  }
}

TEST(Wire, AnUnknownTagIsToldFromAMalformedMessage) {
  const auto back = decode(encode_term(Term::tuple({Term::atom("of_later"), 1, Term::map({})})));
  ASSERT_FALSE(back.has_value());
  EXPECT_EQ(back.error().code, unknown_message);
}

TEST(Wire, UnknownFieldsOfASpecAreKeptAndPassedOn) {
  Samples samples(4);
  StartRequest request = std::get<StartRequest>(samples.message(MessageBody(StartRequest{}).index()));
  const NamedSpec named = samples.named_spec();
  auto spec = std::make_shared<Spec>(*named);
  spec->extras.change().unknown["colour"] = encode_term(Term::atom("red")).octets().substr(1);
  request.specs = {{named.id, spec}};
  const auto back = decode(encode(MessageBody(request)));
  ASSERT_TRUE(back.has_value());
  const auto& kept = std::get<StartRequest>(*back).specs.at(0)->extras->unknown;
  ASSERT_EQ(kept.count("colour"), 1U);
  EXPECT_EQ(encode(*back), encode(MessageBody(request)));
}

TEST(Wire, AddedFieldsOfASpecTravelWhereOlderNodesKeepWhatTheyDoNotKnow) {
  Spec plain;
  const ChildId id = ChildId::binary("a").value();
  StartRequest request;
  request.specs = {{id, std::make_shared<Spec>(plain)}};
  const Bytes without = encode(MessageBody(request));
  EXPECT_EQ(without.find("start_period"), Bytes::npos)
      << "a spec without them is as it was before there were any";

  Spec full = plain;
  full.extras.change().pace = {.start_period = std::chrono::seconds(2),
                               .backoff_max = std::chrono::seconds(9)};
  full.extras.change().metadata_before = Bytes();
  full.extras.change().after = {ChildId::binary("db").value()};
  full.extras.change().unknown["colour"] = encode_term(Term::atom("red")).octets().substr(1);
  EXPECT_FALSE(full.same_as(plain));
  request.specs = {{id, std::make_shared<Spec>(full)}};
  const auto back = decode(encode(MessageBody(request)));
  ASSERT_TRUE(back.has_value()) << back.error().message;
  const Spec& read = *std::get<StartRequest>(*back).specs.at(0);
  EXPECT_TRUE(read.same_as(full));
  EXPECT_EQ(read.extras->pace, full.extras->pace);
  EXPECT_EQ(read.extras->metadata_before, full.extras->metadata_before)
      << "none before is not nothing before";
  EXPECT_EQ(read.extras->unknown, full.extras->unknown)
      << "what this version knows is not among what it does not";
}

TEST(Wire, FieldsThatALaterVersionAddsToAMessageAreSkipped) {
  const Term later =
      Term::tuple({Term::atom("view"), 7, Term::map({{Term::atom("more"), 1}}), Term::atom("x")});
  const auto back = decode(encode_term(later));
  ASSERT_TRUE(back.has_value()) << back.error().message;
  EXPECT_EQ(std::get<View>(*back).hash, 7U);
}

TEST(Wire, AWordOnHandoversThatIsNotKnownIsSkippedAndThoseAroundItAreRead) {
  Samples samples(6);
  const Handovers known{
      {Commit{samples.id(), samples.epoch(), 1}, Withdrawal{samples.id(), samples.epoch(), 2}}};
  const auto term = decode_term(encode(MessageBody(known)));
  std::vector<Term> message = *term->as_tuple();
  std::vector<Term> words = *message.at(1).as_list();
  std::vector<Term> commit = *words.at(0).as_tuple();
  commit.back() = Term::map({{Term::atom("hurry"), 1}});
  words.at(0) = Term::tuple(std::move(commit));
  words.insert(words.begin() + 1,
               Term::tuple({Term::atom("of_later"), 7, Term::list({1, 2}), Term::map({})}));
  message.at(1) = Term::list(std::move(words));
  const auto back = decode(encode_term(Term::tuple(std::move(message))));
  ASSERT_TRUE(back.has_value()) << back.error().message;
  EXPECT_EQ(encode(*back), encode(MessageBody(known)));
}

TEST(Wire, AListOfWordsOnHandoversHasABound) {
  Samples samples(7);
  Handovers most;
  for (std::size_t i = 0; i < Handovers::words_max; ++i)
    most.words.emplace_back(Commit{samples.id(), samples.epoch(), i});
  EXPECT_TRUE(decode(encode(MessageBody(most))).has_value());
  most.words.push_back(most.words.front());
  const auto back = decode(encode(MessageBody(most)));
  ASSERT_FALSE(back.has_value());
  EXPECT_EQ(back.error().code, Errc::malformed);
}

TEST(Wire, ARowUnderAnotherIdIsMalformed) {
  Samples samples(5);
  Sync sync;
  sync.rows.emplace_back(ChildId::binary("this one").value(), samples.row());
  Bytes bytes = encode(MessageBody(sync));
  ASSERT_TRUE(decode(bytes).has_value());
  bytes.replace(bytes.rfind("this one"), 8, "that one");
  EXPECT_EQ(decode(bytes).error().code, Errc::malformed);
}

// Most children of a message differ in nothing but their ids.
TEST(Wire, ChildrenWhoseSpecsAreTheSameShareOneAndTheBytesSayAllOfEach) {
  Samples samples(6);
  const auto spec = [&](const std::string& worker) {
    auto made = std::make_shared<Spec>(samples.spec());
    made->worker = worker;
    return made;
  };
  const SpecPtr a = spec("a"), b = spec("b");
  Sync shared;
  for (const SpecPtr& one : {a, a, b, b, a})
    shared.rows.emplace_back(ChildId::binary("c" + std::to_string(shared.rows.size())).value(), samples.row())
        .second.spec = one;
  Sync each = shared;
  for (auto& [id, row] : each.rows) row.spec = std::make_shared<Spec>(*row.spec);
  const Bytes bytes = encode(MessageBody(shared));
  EXPECT_EQ(bytes, encode(MessageBody(each)));
  const auto back = decode(bytes);
  ASSERT_TRUE(back.has_value()) << back.error().message;
  const auto& rows = std::get<Sync>(*back).rows;
  ASSERT_EQ(rows.size(), 5U);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(*rows[i].second.spec, *each.rows[i].second.spec) << i;
    EXPECT_EQ(rows[i].first, each.rows[i].first) << i;
  }
  EXPECT_EQ(rows[0].second.spec, rows[1].second.spec);
  EXPECT_EQ(rows[2].second.spec, rows[3].second.spec);
  EXPECT_EQ(encode(*back), bytes);
}

}  // namespace wire_test
}  // namespace brood::core
