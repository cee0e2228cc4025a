// Messages that are larger than may be: who sent one, or waits for it, is told; the connection stays.
#include <fmt/format.h>

#include <brood/worker.hpp>

#include "node/peers/distribution_impl.hpp"
#include "process/log/log.hpp"

namespace brood::node {

namespace {

/// {Tag, Answer} of a call, of which the answer is cut short: its tag.
std::optional<Bytes> tag_of_reply(BytesView term) {
  TermReader in(term);
  if (!in.version() || in.tuple().value_or(0) != 2) return std::nullopt;
  if (in.peek() != TermReader::Kind::ref && in.peek() != TermReader::Kind::list) return std::nullopt;
  const auto tag = in.skip();
  return tag ? std::optional<Bytes>(*tag) : std::nullopt;
}

}  // namespace

Result<void> Distribution::Impl::on_excess(Channel& channel, BytesView head) {
  ++counts_.messages_refused;
  const Error why{Errc::limit_exceeded,
                  fmt::format("the message is larger than {} may be, {} bytes; send it in parts",
                              options.name.text(), options.message_bytes_max)};
  if (limiter_.allow(fmt::format("excess {}", channel.peer().name.text()))) {
    log::warn("{} sent a message of more than {} bytes; it was refused", channel.peer().name.text(),
              options.message_bytes_max);
  }
  // An exit reason inside a control message ends here too, and with it the connection: nobody may miss an
  // exit.
  if (auto decoded = decode_control(head, {}, incoming_); !decoded) return decoded;
  if (!is_of_its_peer(channel, incoming_)) {
    refuse_forged(channel, incoming_);
    return {};
  }
  callback([&] {
    if (processes_ != nullptr) refuse(incoming_, why);
  });
  return {};
}

void Distribution::Impl::refuse(const IncomingControl& control, const Error& why) {
  const Bytes cut = Bytes("\x83").append(control.payload);
  const EncodedTerm error = brood::detail::encode_error(why);
  const EncodedTerm reason =
      encode_term(Term::tuple({Term::atom(to_string(why.code)), Term::binary(why.message)}));
  switch (control.op) {
    case Op::payload_exit:
      return processes_->on_exit(control.from, control.to, reason);
    case Op::payload_exit2:
      return processes_->on_exit2(control.from, control.to, reason);
    case Op::payload_monitor_p_exit:
      return processes_->on_monitor_exit(control.to, control.ref, reason);
    case Op::send:
    case Op::send_sender:
    case Op::reg_send:
    case Op::alias_send:
      break;
    default:
      return;
  }
  const process::GenMessage gen = process::read_gen_message(cut);
  if (const auto caller = process::read_from(gen.from)) {
    if (find(caller->pid.node) == nullptr) return;
    return reply(Pid{options.name, 0, 0, creation}, *caller, error, Flush::now);
  }
  // An answer that somebody here waits for.
  const auto tag = tag_of_reply(cut);
  if (!tag) return;
  EncodedTerm answer = process::make_gen_reply(*tag, error);
  if (control.op == Op::alias_send) {
    processes_->on_send_alias(control.from, control.ref, std::move(answer));
  } else if (control.op != Op::reg_send) {
    processes_->on_send(control.from, control.to, std::move(answer));
  }
}

}  // namespace brood::node
