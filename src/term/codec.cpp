// The parts of the codecs that do not depend on a type: texts, doubles, heads of records, error messages.
#include <fmt/format.h>

#include <brood/codec.hpp>
#include <limits>

#include "term/bigint.hpp"

namespace brood::inline v0::detail {
namespace {

constexpr std::size_t shown_bytes_max = 200;
// To show a term takes reading it into memory; larger ones are not worth that for a message.
constexpr std::size_t decoded_bytes_max = 64 * 1024;

std::string show(BytesView encoded) {
  if (encoded.size() > decoded_bytes_max) return fmt::format("a term of {} bytes", encoded.size());
  return encoded_to_string(encoded, shown_bytes_max);
}

std::string show_next(const TermReader& reader) {
  TermReader copy = reader;
  auto term = copy.skip();
  if (!term) return "bytes that are no term";
  return show(Bytes(1, static_cast<char>(131)).append(*term));
}

}  // namespace

Error mismatch(const TermReader& reader, std::string_view expected) {
  return {Errc::type_mismatch, fmt::format("at byte {}: expected {}", reader.position(), expected)};
}

Error out_of_range(const TermReader& reader, std::size_t bits, bool is_signed) {
  return {Errc::type_mismatch,
          fmt::format("at byte {}: {} does not fit {} {} bits", reader.position(), show_next(reader),
                      is_signed ? "a signed integer of" : "an unsigned integer of", bits)};
}

Result<std::string> read_text(TermReader& reader) {
  using Kind = TermReader::Kind;
  switch (reader.peek()) {
    case Kind::binary: {
      auto bytes = reader.binary();
      if (!bytes) return std::move(bytes).error();
      return std::string(*bytes);
    }
    case Kind::atom:
      return reader.atom();
    case Kind::nil:
    case Kind::list: {
      if (auto octets = reader.string_octets()) return std::string(*octets);
      const std::size_t start = reader.position();
      auto term = reader.term();
      if (!term) return std::move(term).error();
      if (auto text = term->text()) return std::move(*text);
      reader.seek(start);
      return mismatch(reader, "a text, found a list of other things than bytes");
    }
    default: {
      // The reader's own words say what was found instead.
      auto bytes = reader.binary();
      if (!bytes) return std::move(bytes).error();
      return std::string(*bytes);
    }
  }
}

Result<double> read_double(TermReader& reader) {
  using Kind = TermReader::Kind;
  const std::size_t start = reader.position();
  switch (reader.peek()) {
    case Kind::integer: {
      auto whole = reader.integer();
      if (!whole) return std::move(whole).error();
      return static_cast<double>(*whole);
    }
    case Kind::atom: {
      auto name = reader.atom_view();
      if (name && *name == "nan") return std::numeric_limits<double>::quiet_NaN();
      if (name && *name == "infinity") return std::numeric_limits<double>::infinity();
      if (name && *name == "neg_infinity") return -std::numeric_limits<double>::infinity();
      reader.seek(start);
      return reader.real();
    }
    default:
      return reader.real();
  }
}

Error decode_failed(const Error& error, BytesView bytes, std::string_view type) {
  if (error.code != Errc::type_mismatch) return error;
  TermReader whole(bytes);
  const auto term = whole.version() ? whole.skip() : Result<BytesView>(Error{Errc::malformed, ""});
  if (!term) return {Errc::malformed, error.message};
  return {Errc::type_mismatch, fmt::format("{} does not fit {}: {}", show(bytes), type, error.message)};
}

Result<TermReader> start_decode(BytesView bytes) {
  const TermLimits limits;
  if (bytes.size() > limits.bytes_max)
    return Error{Errc::limit_exceeded,
                 fmt::format("a term of {} bytes exceeds the limit of {}", bytes.size(), limits.bytes_max)};
  TermReader reader(bytes, limits);
  if (auto ok = reader.version(); !ok) return std::move(ok).error();
  return reader;
}

Error left_over(const TermReader& reader) {
  return {Errc::malformed, fmt::format("at byte {}: there are more bytes after the term", reader.position())};
}

Result<void> check_argument_count(std::size_t found, std::size_t expected) {
  if (found == expected) return {};
  return Error{Errc::type_mismatch, fmt::format("expected {} arguments, found {}", expected, found)};
}

Error in_argument(Error error, std::size_t index) {
  error.message = fmt::format("argument {}: {}", index, error.message);
  return error;
}

bool is_record_next(TermReader& reader, std::string_view name) {
  const std::size_t start = reader.position();
  if (reader.peek() == TermReader::Kind::tuple && !reader.tuple()) return false;
  const bool found = reader.peek() == TermReader::Kind::atom && reader.atom_view().value_or("") == name;
  reader.seek(start);
  return found;
}

static std::string repeated(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

Result<void> read_record_head(TermReader& reader, std::string_view name, std::size_t fields) {
  const std::size_t start = reader.position();
  const auto wrong = [&]() -> Error {
    reader.seek(start);
    return mismatch(reader, fields == 0 ? fmt::format("the atom {}", name)
                                        : fmt::format("{{{}{}}}", name, repeated(", _", fields)));
  };
  if (fields > 0 && reader.peek() != TermReader::Kind::tuple) return wrong();
  if (reader.peek() == TermReader::Kind::tuple) {
    auto arity = reader.tuple();
    if (!arity) return std::move(arity).error();
    if (*arity != fields + 1) return wrong();
  }
  auto tag = reader.atom_view();
  if (!tag || *tag != name) return wrong();
  return {};
}

Result<std::string_view> read_key(TermReader& reader) {
  if (reader.peek() == TermReader::Kind::atom) return reader.atom_view();
  return reader.binary();
}

Error missing_key(std::string_view key, std::string_view type) {
  return {Errc::type_mismatch, fmt::format("the key {} of {} is missing", key, type)};
}

Error at_key(Error error, std::string_view key) {
  error.message = fmt::format("key {}: {}", key, error.message);
  return error;
}

Error in_field(Error error, std::string_view name, std::size_t index) {
  error.message = fmt::format("field {} of {}: {}", index, name, error.message);
  return error;
}

}  // namespace brood::inline v0::detail

namespace brood::inline v0 {

Result<BigInt> Codec<BigInt>::read(TermReader& reader) {
  const std::size_t start = reader.position();
  auto term = reader.term();
  if (!term) return std::move(term).error();
  if (const auto* big = term->as_big()) return *big;
  if (const auto* small = term->as_integer()) return bigint::from_int64(*small);
  reader.seek(start);
  return detail::mismatch(reader, "an integer");
}

}  // namespace brood::inline v0
