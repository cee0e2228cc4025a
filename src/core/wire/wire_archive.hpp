// Out and In: one description of a record serves writing and reading. Used by wire.cpp only.
//
// In keeps the first failure and reads nothing after it, so descriptions need no error handling.
#pragma once

#include <array>
#include <brood/codec.hpp>
#include <concepts>
#include <type_traits>
#include <utility>

#include "core/base/messages.hpp"

namespace brood::core::wire {

template <typename T, typename U>
concept Of = std::same_as<std::remove_const_t<T>, U>;

/// The field of a record that holds what later versions added to it: a map of atoms to anything.
template <typename T>
struct Ext {
  T& unknown;
};
template <typename T>
Ext<T> ext(T& unknown) {
  return {unknown};
}

/// Fields of a message that came later than the others.
template <typename... Ts>
std::tuple<Ts&...> late(Ts&... fields) {
  return {fields...};
}
template <typename T>
bool is_set(const std::vector<T>& field) {
  return !field.empty();
}
inline bool is_set(std::uint64_t field) {
  return field != 0;
}

/// A spec is written with the id of its child ahead of it, as one tuple.
inline constexpr std::size_t named_spec_fields = 13;

/// Of whom rows are, within the scope of what row_of() returns: each is written with that id in its spec.
class RowOf {
 public:
  class Scope {
   public:
    Scope(const ChildId*& of, const ChildId& id) : of_(of), before_(std::exchange(of, &id)) {}
    ~Scope() { of_ = before_; }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    const ChildId*& of_;
    const ChildId* before_;
  };
  [[nodiscard]] Scope row_of(const ChildId& id) { return {of_, id}; }

 protected:
  const ChildId* of_ = nullptr;
};

class Out : public RowOf {
 public:
  explicit Out(Bytes& bytes) : bytes_(bytes), writer_(bytes) {}
  void version() { writer_.version(); }

  template <typename... Ts>
  void fields(const Ts&... items) {
    (item(items), ...);
  }

  template <typename... Ts>
  void tuple(const Ts&... items) {
    writer_.tuple(sizeof...(items));
    (item(items), ...);
  }
  /// A tuple that has a last field only where that is not its default.
  template <typename Last, typename... Ts>
  void tuple_and_maybe(const Last& last, const Ts&... items) {
    const bool more = last != Last{};
    writer_.tuple(sizeof...(items) + (more ? 1 : 0));
    (item(items), ...);
    if (more) item(last);
  }
  template <typename... Ts>
  void message(std::string_view tag, const Ts&... items) {
    writer_.tuple(sizeof...(items) + 2);
    writer_.atom(tag);
    (item(items), ...);
    writer_.map(0);
  }
  /// A message that has its late fields only where one of them is not its default. Who does not know them
  /// passes over them.
  template <typename... Late, typename... Ts>
  void message_and_maybe(std::string_view tag, const std::tuple<Late&...>& late, const Ts&... items) {
    const bool more = std::apply([](const auto&... fields) { return (is_set(fields) || ...); }, late);
    if (!more) return message(tag, items...);
    std::apply([&](const auto&... fields) { message(tag, items..., fields...); }, late);
  }
  template <typename T>
  void item(const Ext<T>& field) {
    writer_.map(field.unknown.size());
    for (const auto& [key, value] : field.unknown) {
      writer_.atom(key);
      writer_.encoded(value);
    }
  }
  void item(bool value) { writer_.boolean(value); }
  template <std::unsigned_integral T>
  void item(T value) {
    writer_.unsigned_integer(value);
  }
  void item(std::int32_t value) { writer_.integer(value); }
  template <typename T>
  requires std::is_enum_v<T>
  void item(T value) { writer_.unsigned_integer(static_cast<std::uint64_t>(value)); }
  void item(Errc value) { writer_.atom(to_string(value)); }
  void item(std::chrono::milliseconds value) { writer_.integer(value.count()); }
  void item(const Hlc& value) { writer_.unsigned_integer(value.value); }
  void item(const std::string& value) { writer_.binary(value); }
  void item(const EncodedTerm& value) { writer_.binary(value); }
  void item(const NodeName& value) { writer_.atom(value.text()); }
  void item(const ChildId& value) { write_term(writer_, value); }
  void item(const NamedSpec& value) { named(value.id, *value.spec); }
  void item(const SpecPtr& value) { named(*of_, *value); }
  void item(const std::pair<ChildId, SpecRow>& value) {
    const auto row = row_of(value.first);
    tuple(value.first, value.second);
  }
  template <typename T>
  void item(const std::optional<T>& value) {
    at_most_one(value);
  }
  template <typename T>
  void item(const Boxed<T>& value) {
    at_most_one(value);
  }
  template <typename T>
  void item(const Rarely<T>& value) {
    item(*value);
  }
  template <typename A, typename B>
  void item(const std::pair<A, B>& value) {
    tuple(value.first, value.second);
  }
  template <typename T>
  void item(const std::vector<T>& values) {
    sequence(values);
  }
  template <typename T>
  void item(const std::set<T>& values) {
    sequence(values);
  }
  template <typename K, typename V>
  void item(const std::map<K, V>& values) {
    sequence(values);
  }
  template <typename T>
  requires std::is_class_v<T>
  void item(const T& value) { each(*this, value); }

 private:
  /// Most children of a message have the spec of the one before them: written once, copied then.
  void named(const ChildId& id, const Spec& spec) {
    writer_.tuple(named_spec_fields);
    item(id);
    if (last_spec_ == &spec) return writer_.encoded(BytesView(bytes_).substr(last_at_, last_size_));
    last_at_ = bytes_.size();
    item(spec);
    last_size_ = bytes_.size() - last_at_;
    last_spec_ = &spec;
  }
  template <typename Optional>
  void at_most_one(const Optional& value) {
    if (value) {
      writer_.list(1);
      item(*value);
    }
    writer_.nil();
  }
  template <typename T>
  void sequence(const T& values) {
    if (!values.empty()) writer_.list(values.size());
    for (const auto& value : values) item(value);
    writer_.nil();
  }

  Bytes& bytes_;
  TermWriter writer_;
  const Spec* last_spec_ = nullptr;  ///< What is written outlives this.
  std::size_t last_at_ = 0, last_size_ = 0;
};

class In : public RowOf {
 public:
  explicit In(BytesView bytes) : bytes_(bytes), reader_(bytes) {}
  [[nodiscard]] bool ok() const { return !error_; }
  [[nodiscard]] const Error& error() const { return *error_; }
  [[nodiscard]] TermReader& reader() { return reader_; }
  void fail(std::string why) {
    if (!error_) error_ = Error{Errc::malformed, std::move(why)};
  }

  template <typename... Ts>
  void tuple(Ts&&... items) {
    if ((ok() && reader_.try_tuple(sizeof...(items))) || take(reader_.tuple(sizeof...(items))))
      (item(items), ...);
  }
  template <typename... Ts>
  void fields(Ts&&... items) {
    (item(items), ...);
  }
  template <typename Last, typename... Ts>
  void tuple_and_maybe(Last& last, Ts&... items) {
    if (ok() && reader_.try_tuple(sizeof...(items))) {
      (item(items), ...);
      return;
    }
    const auto size = take(reader_.tuple());
    if (!size) return;
    if (*size != sizeof...(items) && *size != sizeof...(items) + 1) return fail("a tuple of another size");
    (item(items), ...);
    if (*size > sizeof...(items)) item(last);
  }
  /// The tag has been read already.
  template <typename... Ts>
  void message(std::string_view tag, Ts&&... items) {
    (item(items), ...);
    if (ok() && arity < sizeof...(items) + 1) return fail("the record " + std::string(tag) + " is too short");
    // The ext map, and whatever a later version may have appended.
    for (std::size_t i = sizeof...(items); ok() && i < arity; ++i) pass(reader_.skip());
  }
  template <typename... Late, typename... Ts>
  void message_and_maybe(std::string_view tag, const std::tuple<Late&...>& late, Ts&... items) {
    if (arity < sizeof...(items) + sizeof...(Late) + 1) return message(tag, items...);
    std::apply([&](auto&... fields) { message(tag, items..., fields...); }, late);
  }
  /// A list of records with tags, of at most `most`: `read` is given the tag of each, and returns whether it
  /// knows it, and has read the record. What it does not know is skipped.
  template <typename Read>
  void tagged(std::size_t most, const Read& read) {
    if (ok() && reader_.try_nil()) return;
    const auto length = take(reader_.list());
    if (length && *length > most) return fail("a list is longer than it may be");
    const std::size_t outer = arity;
    for (std::size_t i = 0; length && ok() && i < *length; ++i) {
      const auto size = take(reader_.tuple());
      if (size && *size == 0) return fail("a record is a tuple with a tag");
      const auto tag = take(reader_.atom());
      if (!tag) return;
      arity = *size - 1;
      if (!read(*tag))
        for (std::size_t field = 0; ok() && field < arity; ++field) pass(reader_.skip());
    }
    arity = outer;
    list_end();
  }
  template <typename T>
  void item(Ext<T>& field) {
    const auto size = take(reader_.map());
    for (std::size_t i = 0; size && ok() && i < *size; ++i) {
      auto key = take(reader_.atom());
      const auto value = take(reader_.skip());
      if (key && value) field.unknown.insert_or_assign(std::move(*key), Bytes(*value));
    }
  }
  void item(bool& value) { set(value, reader_.boolean()); }
  template <std::unsigned_integral T>
  void item(T& value) {
    std::uint64_t number = 0;
    if (!ok() || !reader_.try_unsigned(number)) {
      const auto read = take(reader_.unsigned_integer());
      if (!read) return;
      number = *read;
    }
    if (number > std::numeric_limits<T>::max()) return fail("an integer is out of its range");
    value = static_cast<T>(number);
  }
  void item(std::int32_t& value) {
    const auto read = take(reader_.integer());
    if (!read) return;
    if (*read < INT32_MIN || *read > INT32_MAX) return fail("an integer is out of its range");
    value = static_cast<std::int32_t>(*read);
  }
  void item(Restart& value) { enumerator(value, Restart::temporary); }
  void item(OfferVerdict& value) { enumerator(value, OfferVerdict::seen); }
  void item(FollowVerdict& value) { enumerator(value, FollowVerdict::stale); }
  void item(Phase& value) { enumerator(value, Phase::moved); }
  void item(Role& value) { enumerator(value, Role::claiming); }
  void item(Health& value) { enumerator(value, Health::unhealthy); }
  void item(Why& value) { enumerator(value, Why::finished); }
  void item(MemberState& value) { enumerator(value, MemberState::down); }
  void item(AssignedBy& value) { enumerator(value, AssignedBy::hand); }
  void item(MoveKind& value) { enumerator(value, MoveKind::rebalance); }
  void item(StartMode& value) { enumerator(value, StartMode::change); }
  void item(Errc& value) {
    const auto name = take(reader_.atom());
    if (name) value = errc_from_string(*name).value_or(Errc::invalid_argument);
  }
  void item(std::chrono::milliseconds& value) {
    const auto read = take(reader_.integer());
    if (!read) return;
    if (*read < 0 || *read > std::int64_t{1} << 40) return fail("a time is out of its range");
    value = std::chrono::milliseconds(*read);
  }
  void item(Hlc& value) { item(value.value); }
  void item(EncodedTerm& value) {
    Bytes octets;
    item(octets);
    value = EncodedTerm(std::move(octets));
  }
  void item(std::string& value) {
    if (BytesView bytes; ok() && reader_.try_binary(bytes))
      value.assign(bytes);
    else if (const auto read = take(reader_.binary()))
      value.assign(*read);
  }
  /// The few names of a message are made once each: who is not known here yet is allocated.
  void item(NodeName& value) {
    const std::size_t start = reader_.position();
    if (std::string_view text; ok() && reader_.try_atom(text)) {
      for (const auto& [bytes, name] : names_) {
        if (bytes != text) continue;
        value = name;
        return;
      }
      reader_.seek(start);
      set(value, reader_.node_name());
      if (ok()) names_[next_name_] = {text, value};
      next_name_ = (next_name_ + 1) % names_.size();
      return;
    }
    set(value, reader_.node_name());
  }
  void item(ChildId& value) { set(value, read_term<ChildId>(reader_)); }
  /// As Out writes them: bytes that are those of the spec before are not read again, and the spec is shared.
  void item(NamedSpec& value) {
    if ((!ok() || !reader_.try_tuple(named_spec_fields)) && !take(reader_.tuple(named_spec_fields))) return;
    item(value.id);
    if (!ok()) return;
    const std::size_t start = reader_.position();
    if (last_spec_ && bytes_.substr(start).starts_with(last_bytes_)) {
      reader_.seek(start + last_bytes_.size());
      value.spec = last_spec_;
      return;
    }
    auto spec = std::make_shared<Spec>();
    item(*spec);
    if (!ok()) return;
    last_bytes_ = bytes_.substr(start, reader_.position() - start);
    last_spec_ = value.spec = std::move(spec);
  }
  void item(SpecPtr& value) {
    NamedSpec named;
    item(named);
    if (ok() && named.id != *of_) return fail("a row is in the place of another child's");
    value = std::move(named.spec);
  }
  void item(std::pair<ChildId, SpecRow>& value) {
    const auto row = row_of(value.first);
    tuple(value.first, value.second);
  }
  template <typename T>
  void item(std::optional<T>& value) {
    at_most_one(value);
  }
  template <typename T>
  void item(Boxed<T>& value) {
    at_most_one(value);
  }
  template <typename T>
  void item(Rarely<T>& value) {
    T read{};
    item(read);
    value = std::move(read);
  }
  template <typename A, typename B>
  void item(std::pair<A, B>& value) {
    tuple(value.first, value.second);
  }
  template <typename T>
  void item(std::vector<T>& values) {
    sequence<T>([&](T value) { values.push_back(std::move(value)); });
  }
  template <typename T>
  void item(std::set<T>& values) {
    sequence<T>([&](T value) { values.insert(std::move(value)); });
  }
  template <typename K, typename V>
  void item(std::map<K, V>& values) {
    sequence<std::pair<K, V>>([&](std::pair<K, V> value) {
      values.insert_or_assign(std::move(value.first), std::move(value.second));
    });
  }
  template <typename T>
  requires std::is_class_v<T>
  void item(T& value) { each(*this, value); }

  std::size_t arity = 0;  ///< Of the message, without its tag.

 private:
  template <typename Optional>
  void at_most_one(Optional& value) {
    if (ok() && reader_.try_nil()) return;
    const auto length = take(reader_.list());
    if (length && *length > 1) return fail("an optional value is a list of at most one");
    if (length && *length == 1) item(value.emplace());
    list_end();
  }
  void list_end() {
    if (ok() && !reader_.try_nil()) pass(reader_.list_end());
  }
  template <typename T>
  Result<T> take(Result<T> result) {
    if (!ok()) return *error_;
    if (!result) error_ = Error{Errc::malformed, result.error().message};
    return result;
  }
  template <typename T>
  void pass(Result<T> result) {
    if (!take(std::move(result))) return;
  }
  template <typename T>
  void set(T& to, Result<T> result) {
    if (auto taken = take(std::move(result))) to = std::move(*taken);
  }
  template <typename T>
  void enumerator(T& value, T last) {
    std::uint64_t number = 0;
    item(number);
    if (number > static_cast<std::uint64_t>(last)) return fail("an enumerator is out of its range");
    value = static_cast<T>(number);
  }
  template <typename T, typename Add>
  void sequence(const Add& add) {
    if (ok() && reader_.try_nil()) return;
    const auto length = take(reader_.list());
    for (std::size_t i = 0; length && ok() && i < *length; ++i) {
      T value{};
      item(value);
      if (ok()) add(std::move(value));
    }
    list_end();
  }

  BytesView bytes_;
  TermReader reader_;
  std::optional<Error> error_;
  SpecPtr last_spec_;
  BytesView last_bytes_;
  std::array<std::pair<std::string_view, NodeName>, 8> names_;  ///< Views into the message.
  std::size_t next_name_ = 0;
};

}  // namespace brood::core::wire
