#include "node/channel/control.hpp"

#include <gtest/gtest.h>

#include "node/channel/dist_header.hpp"

namespace brood::node {
namespace control_test {

const Pid from{NodeName("a@h"), 1, 2, 3};
const Pid to{NodeName("b@h"), 4, 5, 6};
const Atom name("server");
const Ref ref{NodeName("a@h"), 3, {7, 8, 9}};

Term number(int op) {
  return {op};
}

/// The body of a frame whose control tuple is `items`.
Bytes body(std::vector<Term> items, BytesView payload = {}) {
  return Bytes(1, pass_through) + encode_term(Term::tuple(std::move(items))).octets() + Bytes(payload);
}

Result<IncomingControl> decoded(const Bytes& bytes) {
  static Bytes kept;
  kept = bytes;  // Payloads are views.
  IncomingControl out;
  if (auto result = decode_control(kept, {}, out); !result) return result.error();
  return out;
}

Result<IncomingControl> round_trip(const OutgoingControl& control, BytesView payload = {}) {
  Bytes bytes;
  put_header(bytes);
  TermWriter writer(bytes);
  encode_control(writer, control);
  return decoded(payload.empty() ? bytes : bytes.append(payload.substr(1)));
}

const EncodedTerm payload = encode_term(Term::tuple({Term::atom("hello"), Term(5)}));

TEST(Control, WhatIsSentIsWhatIsUnderstood) {
  auto sent = round_trip({.op = Op::send_sender, .from = &from, .to = &to}, payload);
  ASSERT_TRUE(sent.has_value());
  EXPECT_EQ(sent->op, Op::send_sender);
  EXPECT_EQ(sent->from, from);
  EXPECT_EQ(sent->to, to);
  EXPECT_EQ(sent->term(), payload);

  const auto named = round_trip({.op = Op::reg_send, .from = &from, .name = &name}, payload);
  ASSERT_TRUE(named.has_value());
  EXPECT_EQ(named->name, name);

  const auto alias = round_trip({.op = Op::alias_send, .from = &from, .ref = &ref}, payload);
  ASSERT_TRUE(alias.has_value());
  EXPECT_EQ(alias->ref, ref);

  const auto monitor = round_trip({.op = Op::monitor_p, .from = &from, .name = &name, .ref = &ref});
  ASSERT_TRUE(monitor.has_value());
  EXPECT_EQ(monitor->name, name);
  EXPECT_EQ(monitor->ref, ref);

  const auto watched = round_trip({.op = Op::demonitor_p, .from = &from, .to = &to, .ref = &ref});
  ASSERT_TRUE(watched.has_value());
  EXPECT_TRUE(watched->name.name.empty());
  EXPECT_EQ(watched->to, to);

  const auto down =
      round_trip({.op = Op::payload_monitor_p_exit, .to = &to, .name = &name, .ref = &ref}, payload);
  ASSERT_TRUE(down.has_value());
  EXPECT_EQ(down->to, to);
  EXPECT_EQ(down->name, name);

  const auto unlink = round_trip({.op = Op::unlink_id, .from = &from, .to = &to, .id = 0xffffffffffffffff});
  ASSERT_TRUE(unlink.has_value());
  EXPECT_EQ(unlink->id, 0xffffffffffffffff);

  for (const Op op : {Op::link, Op::payload_exit, Op::payload_exit2, Op::unlink_id_ack}) {
    const bool has_payload = op == Op::payload_exit || op == Op::payload_exit2;
    const auto other = round_trip({.op = op, .from = &from, .to = &to, .id = 1},
                                  has_payload ? BytesView(payload) : BytesView());
    ASSERT_TRUE(other.has_value()) << int(op);
    EXPECT_EQ(other->op, op);
    EXPECT_EQ(other->to, to);
  }
  EXPECT_TRUE(round_trip({.op = Op::spawn_reply, .to = &to, .ref = &ref}).has_value());
}

TEST(Control, APayloadThatLiesApartIsTakenOver) {
  Bytes bytes;
  put_header(bytes);
  TermWriter writer(bytes);
  encode_control(writer, {.op = Op::send_sender, .from = &from, .to = &to});
  Bytes apart(payload);
  apart.reserve(1000);
  const char* memory = apart.data();
  IncomingControl control;
  ASSERT_TRUE(decode_control(bytes, {}, control, &apart).has_value());
  EXPECT_EQ(control.payload, BytesView(payload).substr(1));
  const Bytes term = control.term().octets();
  EXPECT_EQ(term, payload);
  EXPECT_EQ(term.data(), memory);
}

TEST(Control, FormsThatBroodDoesNotSendAreUnderstood) {
  const Term cookie = Term::atom("");
  const Term token = Term::list({1, 2});
  const auto is = [](const Bytes& bytes, Op op) {
    const auto result = decoded(bytes);
    EXPECT_TRUE(result.has_value()) << (result ? "" : result.error().message);
    return result && result->op == op;
  };
  EXPECT_TRUE(is(body({number(2), cookie, to}, payload), Op::send));
  EXPECT_TRUE(is(body({number(12), cookie, to, token}, payload), Op::send));
  EXPECT_TRUE(is(body({number(16), from, cookie, name, token}, payload), Op::reg_send));
  EXPECT_TRUE(is(body({number(23), from, to, token}, payload), Op::send_sender));
  EXPECT_TRUE(is(body({number(34), from, ref, token}, payload), Op::alias_send));
  EXPECT_TRUE(is(body({number(25), from, to, token}, payload), Op::payload_exit));
  EXPECT_TRUE(is(body({number(27), from, to, token}, payload), Op::payload_exit2));
  EXPECT_TRUE(is(body({number(4), from, to}), Op::unlink));
  EXPECT_TRUE(is(body({number(5)}), Op::node_link));
  EXPECT_TRUE(is(body({number(7), from, to}), Op::group_leader));
  EXPECT_TRUE(is(body({number(29), ref, from, to, Term::tuple({name, name, 1}), Term::list({})}, payload),
                 Op::spawn_request));
  EXPECT_TRUE(is(body({number(31), ref, to, 0, name}), Op::spawn_reply));
}

TEST(Control, ReasonsInsideTheTupleBecomePayloads) {
  const Term reason = Term::tuple({Term::atom("bye"), 1});
  for (const auto& bytes :
       {body({number(3), from, to, reason}), body({number(13), from, to, Term::list({}), reason})}) {
    auto exit = decoded(bytes);
    ASSERT_TRUE(exit.has_value());
    EXPECT_EQ(exit->op, Op::payload_exit);
    EXPECT_EQ(exit->term(), encode_term(reason));
  }
  auto down = decoded(body({number(21), name, to, ref, reason}));
  ASSERT_TRUE(down.has_value());
  EXPECT_EQ(down->op, Op::payload_monitor_p_exit);
  EXPECT_EQ(down->term(), encode_term(reason));
}

TEST(Control, WhatDoesNotFitIsMalformed) {
  const auto refused = [](const Bytes& bytes) {
    const auto result = decoded(bytes);
    return !result && result.error().code == Errc::malformed;
  };
  EXPECT_TRUE(refused(""));
  EXPECT_TRUE(refused("p"));
  EXPECT_TRUE(refused("x" + encode_term(Term::tuple({1})).octets()));
  EXPECT_TRUE(refused(Bytes(1, pass_through) + encode_term(Term::atom("x")).octets()));
  EXPECT_TRUE(refused(body({})));
  EXPECT_TRUE(refused(body({number(99), from, to})));
  EXPECT_TRUE(refused(body({Term::atom("send"), from, to})));
  EXPECT_TRUE(refused(body({number(1), from})));
  EXPECT_TRUE(refused(body({number(1), from, Term(5)})));
  EXPECT_TRUE(refused(body({number(1), from, to}, payload)));  // Bytes left over.
  EXPECT_TRUE(refused(body({number(22), from, to})));          // No payload.
  EXPECT_TRUE(refused(body({number(22), from, to}, "x")));     // No version byte.
  EXPECT_TRUE(refused(body({number(35), Term(-1), from, to})));
  EXPECT_TRUE(refused(body({number(6), from, Term::atom(""), Term::atom("")}, payload)));
  // A header that names atoms, and a fragment.
  EXPECT_TRUE(refused(Bytes("\x83\x44\x01", 3) + encode_term(Term::tuple({1, from, to})).octets().substr(1)));
  EXPECT_TRUE(refused(Bytes("\x83\x45", 2) + Bytes(16, '\1') + Bytes(1, '\0')));
}

TEST(Control, EveryCutIsMalformed) {
  const Bytes term = encode_term(Term::tuple({number(19), from, to, ref})).octets();
  const Bytes header("\x83\x44\x00", 3);
  for (const Bytes& whole : {Bytes(1, pass_through) + term, header + term.substr(1)}) {
    ASSERT_TRUE(decoded(whole).has_value());
    for (std::size_t cut = 0; cut < whole.size(); ++cut)
      EXPECT_FALSE(decoded(whole.substr(0, cut)).has_value());
  }
}

}  // namespace control_test
}  // namespace brood::node
