#include "node/channel/control.hpp"

#include <fmt/format.h>

#include "node/channel/dist_header.hpp"
#include "node/net/wire.hpp"

namespace brood::node {
namespace {

class Encoder {
 public:
  Encoder(TermWriter& out, const OutgoingControl& control, BytesView reason)
      : out_(out), control_(control), reason_(reason) {}

  void begin(std::size_t arity) {
    out_.tuple(arity);
    out_.integer(static_cast<std::int64_t>(control_.op));
  }
  void from() { out_.pid(*control_.from); }
  void to() { out_.pid(*control_.to); }
  void ref() { out_.ref(*control_.ref); }
  void name() { out_.atom(control_.name->name); }
  void id() { out_.unsigned_integer(control_.id); }
  void reason() { out_.encoded(reason_); }
  void unused_cookie() { out_.atom(""); }
  void name_or(const Pid* pid) {
    if (control_.name != nullptr) {
      name();
    } else {
      out_.pid(*pid);
    }
  }

 private:
  TermWriter& out_;
  const OutgoingControl& control_;
  const BytesView reason_;
};

// Pids and references in the form that every node writes today, into ones of earlier messages: their memory,
// and most often the node's name, is there already. False: in another form. `term` has been checked.

constexpr std::uint8_t new_pid_tag = 88;
constexpr std::uint8_t newer_reference_tag = 90;
constexpr std::uint8_t small_atom_utf8_tag = 119;

bool read_usual_node(wire::Cursor& in, NodeName& into) {
  if (in.u8() != small_atom_utf8_tag) return false;
  const BytesView name = in.take(in.u8());
  if (into.text() != name) into = NodeName(name);
  return true;
}

bool read_usual_pid(BytesView term, Pid& into) {
  wire::Cursor in(term);
  if (in.u8() != new_pid_tag || !read_usual_node(in, into.node)) return false;
  into.id = in.u32();
  into.serial = in.u32();
  into.creation = in.u32();
  return !in.bad();
}

bool read_usual_ref(BytesView term, Ref& into) {
  wire::Cursor in(term);
  if (in.u8() != newer_reference_tag) return false;
  const std::uint16_t words = in.u16();
  if (!read_usual_node(in, into.node)) return false;
  into.creation = in.u32();
  into.words.clear();
  for (std::uint16_t i = 0; i < words && !in.bad(); ++i) into.words.push_back(in.u32());
  return !in.bad();
}

/// Collects what a control tuple holds, going bad at the first thing that does not fit.
class Decoder {
 public:
  Decoder(TermReader& in, IncomingControl& out) : in_(in), out_(out) {}

  void from() { pid(out_.from); }
  void to() { pid(out_.to); }
  void ref() {
    const std::size_t start = in_.position();
    const auto bytes = in_.skip();
    ok_ = ok_ && bytes.has_value();
    if (!ok_ || read_usual_ref(*bytes, out_.ref)) return;
    in_.seek(start);
    take(in_.ref(), out_.ref);
  }
  void id() { take(in_.unsigned_integer(), out_.id); }
  void name() {
    auto atom = in_.atom();
    ok_ = ok_ && atom.has_value() && !atom->empty();
    if (ok_) out_.name.name = std::move(*atom);
  }
  void name_or(Pid& pid) {
    if (in_.peek() == TermReader::Kind::atom) {
      name();
    } else {
      this->pid(pid);
    }
  }
  void skip() { ok_ = ok_ && in_.skip().has_value(); }
  void inline_reason() {
    auto term = in_.skip();
    ok_ = ok_ && term.has_value();
    if (ok_) out_.reason.assign(*term);
  }
  [[nodiscard]] bool ok() const { return ok_; }

 private:
  void pid(Pid& into) {
    const std::size_t start = in_.position();
    const auto bytes = in_.skip();
    ok_ = ok_ && bytes.has_value();
    if (!ok_ || read_usual_pid(*bytes, into)) return;
    in_.seek(start);
    take(in_.pid(), into);
  }
  template <typename T>
  void take(Result<T> result, T& into) {
    ok_ = ok_ && result.has_value();
    if (ok_) into = std::move(*result);
  }

  TermReader& in_;
  IncomingControl& out_;
  bool ok_ = true;
};

/// Items after the op, whether a payload follows, and the op to show.
struct Shape {
  std::size_t arity;
  bool payload;
  Op plain;
};

std::optional<Shape> shape_of(std::uint64_t op) {
  switch (static_cast<Op>(op)) {
    case Op::link:
      return Shape{2, false, Op::link};
    case Op::send:
      return Shape{2, true, Op::send};
    case Op::exit:
      return Shape{3, false, Op::payload_exit};
    case Op::unlink:
      return Shape{2, false, Op::unlink};
    case Op::node_link:
      return Shape{0, false, Op::node_link};
    case Op::reg_send:
      return Shape{3, true, Op::reg_send};
    case Op::group_leader:
      return Shape{2, false, Op::group_leader};
    case Op::exit2:
      return Shape{3, false, Op::payload_exit2};
    case Op::send_tt:
      return Shape{3, true, Op::send};
    case Op::exit_tt:
      return Shape{4, false, Op::payload_exit};
    case Op::reg_send_tt:
      return Shape{4, true, Op::reg_send};
    case Op::exit2_tt:
      return Shape{4, false, Op::payload_exit2};
    case Op::monitor_p:
      return Shape{3, false, Op::monitor_p};
    case Op::demonitor_p:
      return Shape{3, false, Op::demonitor_p};
    case Op::monitor_p_exit:
      return Shape{4, false, Op::payload_monitor_p_exit};
    case Op::send_sender:
      return Shape{2, true, Op::send_sender};
    case Op::send_sender_tt:
      return Shape{3, true, Op::send_sender};
    case Op::payload_exit:
      return Shape{2, true, Op::payload_exit};
    case Op::payload_exit_tt:
      return Shape{3, true, Op::payload_exit};
    case Op::payload_exit2:
      return Shape{2, true, Op::payload_exit2};
    case Op::payload_exit2_tt:
      return Shape{3, true, Op::payload_exit2};
    case Op::payload_monitor_p_exit:
      return Shape{3, true, Op::payload_monitor_p_exit};
    case Op::spawn_request:
      return Shape{5, true, Op::spawn_request};
    case Op::spawn_request_tt:
      return Shape{6, true, Op::spawn_request};
    case Op::spawn_reply:
      return Shape{4, false, Op::spawn_reply};
    case Op::spawn_reply_tt:
      return Shape{5, false, Op::spawn_reply};
    case Op::alias_send:
      return Shape{2, true, Op::alias_send};
    case Op::alias_send_tt:
      return Shape{3, true, Op::alias_send};
    case Op::unlink_id:
      return Shape{3, false, Op::unlink_id};
    case Op::unlink_id_ack:
      return Shape{3, false, Op::unlink_id_ack};
  }
  return std::nullopt;
}

/// Reads the items of the tuple after the op, except trace tokens at its end.
void read_items(Op op, Decoder& in, IncomingControl& out) {
  switch (op) {
    case Op::send:
    case Op::send_tt:
      in.skip();
      in.to();
      break;
    case Op::reg_send:
    case Op::reg_send_tt:
      in.from();
      in.skip();
      in.name();
      break;
    case Op::exit:
    case Op::exit2:
      in.from();
      in.to();
      in.inline_reason();
      break;
    case Op::exit_tt:
    case Op::exit2_tt:
      in.from();
      in.to();
      in.skip();
      in.inline_reason();
      break;
    case Op::monitor_p:
    case Op::demonitor_p:
      in.from();
      in.name_or(out.to);
      in.ref();
      break;
    case Op::monitor_p_exit:
    case Op::payload_monitor_p_exit:
      in.name_or(out.from);
      in.to();
      in.ref();
      if (op == Op::monitor_p_exit) in.inline_reason();
      break;
    case Op::alias_send:
    case Op::alias_send_tt:
      in.from();
      in.ref();
      break;
    case Op::spawn_request:
    case Op::spawn_request_tt:
      in.ref();
      in.from();
      in.skip();
      in.skip();
      in.skip();
      break;
    case Op::unlink_id:
    case Op::unlink_id_ack:
      in.id();
      in.from();
      in.to();
      break;
    case Op::link:
    case Op::unlink:
    case Op::send_sender:
    case Op::send_sender_tt:
    case Op::payload_exit:
    case Op::payload_exit_tt:
    case Op::payload_exit2:
    case Op::payload_exit2_tt:
      in.from();
      in.to();
      break;
    case Op::node_link:
    case Op::group_leader:
    case Op::spawn_reply:
    case Op::spawn_reply_tt:
      break;  // Nothing of them is used.
  }
}

bool has_trailing_items(Op op) {
  switch (op) {
    case Op::group_leader:
    case Op::spawn_reply:
    case Op::spawn_reply_tt:
    case Op::send_tt:
    case Op::reg_send_tt:
    case Op::send_sender_tt:
    case Op::payload_exit_tt:
    case Op::payload_exit2_tt:
    case Op::alias_send_tt:
    case Op::spawn_request_tt:
      return true;
    default:
      return false;
  }
}

Error bad(std::string_view what) {
  return {Errc::malformed, std::string(what)};
}

}  // namespace

void encode_control(TermWriter& out, const OutgoingControl& control, BytesView reason) {
  Encoder write(out, control, reason);
  switch (control.op) {
    case Op::send:
      return write.begin(3), write.unused_cookie(), write.to();
    case Op::exit:
    case Op::exit2:
      return write.begin(4), write.from(), write.to(), write.reason();
    case Op::monitor_p_exit:
      return write.begin(5), write.name_or(control.from), write.to(), write.ref(), write.reason();
    case Op::link:
    case Op::unlink:
    case Op::send_sender:
    case Op::payload_exit:
    case Op::payload_exit2:
      return write.begin(3), write.from(), write.to();
    case Op::reg_send:
      return write.begin(4), write.from(), write.unused_cookie(), write.name();
    case Op::monitor_p:
    case Op::demonitor_p:
      return write.begin(4), write.from(), write.name_or(control.to), write.ref();
    case Op::payload_monitor_p_exit:
      return write.begin(4), write.name_or(control.from), write.to(), write.ref();
    case Op::alias_send:
      return write.begin(3), write.from(), write.ref();
    case Op::unlink_id:
    case Op::unlink_id_ack:
      return write.begin(4), write.id(), write.from(), write.to();
    case Op::spawn_reply:
      write.begin(5), write.ref(), write.to();
      out.integer(0);
      out.atom("notsup");
      return;
    default:
      BROOD_CHECK(false, "brood does not send this control message");
  }
}

Result<void> decode_control(BytesView body, const TermLimits& limits, IncomingControl& out, Bytes* payload) {
  const auto header = read_header(body);
  if (!header) return header.error();
  const bool versioned = header->kind == BodyKind::bare;
  if (!versioned && header->kind != BodyKind::whole) return bad("a fragment where a message was to come");
  TermReader in(header->rest, limits);
  if (versioned && !in.version()) return bad("a control message without a version byte");
  const auto arity = in.tuple();
  if (!arity || *arity == 0) return bad("a control message that is not a tuple");
  const auto op = in.unsigned_integer();
  const std::optional<Shape> shape = op ? shape_of(*op) : std::nullopt;
  if (!shape || *arity != shape->arity + 1) {
    return bad(op ? fmt::format("an unknown control message {} of {} items", *op, *arity)
                  : "a control message that does not begin with a number");
  }
  out.name.name.clear();
  out.reason.clear();
  out.owned = payload;
  out.from.node = {};
  Decoder items(in, out);
  const Op received = static_cast<Op>(*op);
  read_items(received, items, out);
  if (has_trailing_items(received)) {
    // Trace tokens and what is of no use here: to the end of the tuple.
    const std::size_t left = received == Op::group_leader || received == Op::spawn_reply ? shape->arity
                             : received == Op::spawn_reply_tt                            ? shape->arity
                                                                                         : 1;
    for (std::size_t i = 0; i < left; ++i) items.skip();
  }
  if (!items.ok()) return bad(fmt::format("a control message {} whose items do not fit", *op));
  out.op = shape->plain;
  out.payload = payload != nullptr ? BytesView(*payload).substr(1) : header->rest.substr(in.position());
  if (!shape->payload) {
    if (!out.payload.empty()) return bad(fmt::format("a control message {} with bytes left over", *op));
    return {};
  }
  const bool fits = !out.payload.empty() && (!versioned || out.payload[0] == version_byte);
  if (!fits) return bad(fmt::format("a control message {} without its payload", *op));
  if (versioned) out.payload.remove_prefix(1);
  if (out.payload.empty()) return bad(fmt::format("a control message {} without its payload", *op));
  return {};
}

EncodedTerm IncomingControl::term() {
  if (owned != nullptr && reason.empty()) {
    payload = {};
    return EncodedTerm(std::move(*std::exchange(owned, nullptr)));
  }
  const BytesView bare = reason.empty() ? payload : BytesView(reason);
  Bytes out;
  out.reserve(bare.size() + 1);
  out.push_back(version_byte);
  return EncodedTerm(std::move(out.append(bare)));
}

}  // namespace brood::node
