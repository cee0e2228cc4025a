#include <brood/worker.hpp>

namespace brood::inline v0 {

namespace detail {

namespace {
thread_local Context* context_of_thread = nullptr;
}

Context* current_context() noexcept {
  return context_of_thread;
}

ContextScope::ContextScope(Context* context) noexcept : before_(context_of_thread) {
  context_of_thread = context;
}
ContextScope::~ContextScope() {
  context_of_thread = before_;
}

Term role_message(Role role) {
  return Term::tuple(
      {Term::atom("process_hub"), Term::atom("redundancy_signal"), Term::atom(to_string(role))});
}

const EncodedTerm& encoded_ok() {
  static const EncodedTerm ok = encode_term(Term::atom("ok"));
  return ok;
}

EncodedTerm encode_error(const Error& error) {
  EncodedTerm out;
  TermWriter writer(out);
  writer.version();
  writer.tuple(2);
  writer.atom("error");
  writer.tuple(2);
  writer.atom(to_string(error.code));
  writer.binary(error.message);
  return out;
}

std::optional<Error> error_in_reply(BytesView reply) {
  TermReader reader(reply);
  // Most replies say none: no words are made of what is not there.
  if (!reader.version() || reader.peek() != TermReader::Kind::tuple || !reader.tuple(2)) return std::nullopt;
  const auto tag = reader.atom_view();
  if (!tag || *tag != "error" || !reader.tuple(2)) return std::nullopt;
  const auto code = reader.atom_view();
  const auto known = code ? errc_from_string(*code) : std::nullopt;
  const auto words = reader.binary();
  if (!known || !words) return std::nullopt;
  return Error{*known, std::string(*words)};
}

ReplySlot::~ReplySlot() {
  if (answered_.load(std::memory_order_relaxed) || !call_.answer) return;
  if (handed_over_.load(std::memory_order_acquire)) return;
  const Context* here = current_context();
  if (here != nullptr && here == promised_by_ && here->is_ending()) return;
  call_.answer(
      encode_error({Errc::died, "the reply was promised for later, and its promise was dropped unanswered"}));
}

bool ReplySlot::answer(EncodedTerm bytes) {
  if (answered_.exchange(true, std::memory_order_acq_rel)) return false;
  if (call_.answer) call_.answer(std::move(bytes));
  return true;
}

EncodedTerm ReplySlot::caller() const {
  if (answered_.load(std::memory_order_acquire) || !call_.caller) return {};
  return call_.caller();
}

std::shared_ptr<ReplySlot> take_reply_slot() {
  Context* context = current_context();
  return std::make_shared<ReplySlot>(context == nullptr ? TakenCall{} : context->take_call(), context);
}

void write_promise(TermWriter& writer, const std::shared_ptr<ReplySlot>& slot) {
  Context* context = current_context();
  const EncodedTerm caller = slot && context != nullptr ? context->hand_over(slot) : EncodedTerm{};
  if (caller.empty()) {
    writer.atom("undefined");
  } else {
    writer.encoded(caller);
  }
}

Result<std::shared_ptr<ReplySlot>> read_promise(TermReader& reader) {
  const bool is_caller = reader.peek() == TermReader::Kind::tuple;
  const auto term = reader.skip();
  if (!term) return term.error();
  Context* context = current_context();
  if (!is_caller || context == nullptr) return std::shared_ptr<ReplySlot>();
  EncodedTerm caller;
  TermWriter writer(caller);
  writer.version();
  writer.encoded(*term);
  return std::make_shared<ReplySlot>(context->take_over(caller), context);
}

Error no_conversion(std::uint64_t version, std::uint64_t known, std::string_view worker) {
  return {Errc::type_mismatch, "the state was saved in version " + std::to_string(version) + "; the worker " +
                                   std::string(worker) + " here knows version " + std::to_string(known) +
                                   " and has no convert() from others"};
}

MessageShape shape_of(BytesView encoded) {
  TermReader reader(encoded);
  MessageShape shape;
  if (!reader.version()) return shape;
  if (reader.peek() == TermReader::Kind::tuple && !reader.tuple()) return shape;
  if (reader.peek() != TermReader::Kind::atom) return shape;
  auto tag = reader.atom();
  if (!tag) return shape;
  shape.tagged = true;
  shape.tag = std::move(*tag);
  return shape;
}

Result<std::vector<EncodedTerm>> split_args(BytesView encoded) {
  std::vector<EncodedTerm> values;
  if (encoded.empty()) return values;
  auto term = decode_term(encoded);
  if (!term) return term.error();
  const auto* items = term->as_list();
  if (items == nullptr)
    return Error{Errc::type_mismatch, "the start arguments must be a list, not " + to_string(*term, 200)};
  values.reserve(items->size());
  for (const Term& item : *items) values.push_back(encode_term(item));
  return values;
}

Error no_handler(BytesView encoded, const std::vector<std::string_view>& known) {
  std::string text = "no handler for the message " + encoded_to_string(encoded, 200);
  if (known.empty()) text += "; this worker handles no calls";
  for (std::size_t i = 0; i < known.size(); ++i) {
    text += i == 0 ? "; this worker handles " : ", ";
    text += known[i];
  }
  return {Errc::type_mismatch, std::move(text)};
}

Error wrong_arity(std::size_t given, const std::string& worker) {
  return {Errc::type_mismatch, "the worker " + worker + " cannot be constructed from " +
                                   std::to_string(given) +
                                   (given == 1 ? " start argument" : " start arguments") +
                                   "; give those of its constructor in `args`"};
}

Error wrong_argument(Error error, std::size_t number, const std::string& worker) {
  error.message =
      "start argument " + std::to_string(number) + " of the worker " + worker + ": " + error.message;
  return error;
}

Error wrong_reply(Error error) {
  if (error.code == Errc::type_mismatch) error.message = "the reply " + error.message;
  return error;
}

}  // namespace detail

Result<void> Behaviour::restore_version(std::uint64_t version, BytesView state) {
  if (version == state_version()) return restore(state);
  return detail::no_conversion(version, state_version(), "of this name");
}

Result<EncodedTerm> Behaviour::shown_state() {
  if (has_state()) return save();
  return Error{Errc::not_allowed,
               "'" + shown_name() + "' shows no state: it has neither format_status() nor save()"};
}

Worker::Worker() : context_(detail::current_context()) {}
Worker::~Worker() = default;

Message Message::encoded(EncodedTerm term) {
  Message message;
  message.bytes_ = std::move(term);
  return message;
}

EncodedTerm Message::to_bytes() const {
  return holder_ ? holder_->encode() : bytes_;
}

EncodedTerm Message::take_bytes() {
  return holder_ ? holder_->encode() : std::move(bytes_);
}

std::function<void(EncodedTerm)> Context::take_replier() {
  EncodedTerm caller = take_caller();
  if (caller.empty()) return nullptr;
  return [this, post = poster(), caller = std::move(caller)](EncodedTerm answer) {
    post([this, caller, answer = std::move(answer)] { reply(caller, answer); });
  };
}

}  // namespace brood::inline v0
