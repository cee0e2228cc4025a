// The life of a Term, its factories and accessors. Copying and destroying go without recursion: a program
// may build a term of any depth.
#include <algorithm>
#include <brood/term.hpp>
#include <cmath>
#include <cstddef>
#include <functional>
#include <new>
#include <utility>

#include "term/bigint.hpp"
#include "term/etf.hpp"
#include "term/order.hpp"
#include "term/utf8.hpp"

namespace brood::inline v0 {

/// What a Term points to. No box at all is the empty list; the integers 0 to 255 share boxes that are never
/// freed, so that a list of bytes costs a pointer for each.
struct Term::Box {
  Value value;
};

namespace {

using Entry = std::pair<Term, Term>;

const Term::Value& empty_list() {
  // Never freed: terms may be used while statics are destroyed.
  static const Term::Value& value = *new Term::Value(Term::List{});
  return value;
}

bool holds_terms(const Term::Value& value) {
  return std::holds_alternative<Term::Tuple>(value) || std::holds_alternative<Term::List>(value) ||
         std::holds_alternative<Term::Map>(value);
}

/// Calls `use` with each term directly inside.
template <typename V, typename Use>
void each_child(V& value, Use use) {
  if (auto* tuple = std::get_if<Term::Tuple>(&value)) {
    for (auto& item : tuple->items) use(item);
  } else if (auto* list = std::get_if<Term::List>(&value)) {
    for (auto& item : list->items) use(item);
    for (auto& item : list->tail) use(item);
  } else if (auto* map = std::get_if<Term::Map>(&value)) {
    for (auto& [key, item] : map->entries) {
      use(key);
      use(item);
    }
  }
}

/// A value with as many empty terms as `source` holds terms; anything else is copied.
Term::Value shape_of(const Term::Value& source) {
  if (const auto* tuple = std::get_if<Term::Tuple>(&source))
    return Term::Tuple{std::vector<Term>(tuple->items.size())};
  if (const auto* list = std::get_if<Term::List>(&source))
    return Term::List{std::vector<Term>(list->items.size()), std::vector<Term>(list->tail.size())};
  if (const auto* map = std::get_if<Term::Map>(&source))
    return Term::Map{std::vector<Entry>(map->entries.size())};
  return source;
}

std::string_view unreal_name(double value) {
  return std::isnan(value) ? "nan" : value > 0 ? "infinity" : "neg_infinity";
}

}  // namespace

// Statics of a class so that it may name the private Box.
struct TermAccess {
  using Box = Term::Box;
  static Box* shared(std::int64_t value);
  static bool is_shared(const Box* box);

  /// Takes the boxes to be freed later out of `value`; frees the others at once.
  static void detach_children(Term::Value& value, std::vector<Box*>& later) {
    each_child(value, [&later](Term& child) {
      if (child.box_ && holds_terms(child.box_->value)) later.push_back(std::exchange(child.box_, nullptr));
    });
  }

  static void destroy(Box* first) {
    if (!first || is_shared(first)) return;
    std::vector<Box*> pending;
    if (holds_terms(first->value)) detach_children(first->value, pending);
    delete first;
    while (!pending.empty()) {
      Box* next = pending.back();
      pending.pop_back();
      detach_children(next->value, pending);
      delete next;
    }
  }

  static Box* copy_leaf(const Box* source) {
    if (!source || is_shared(source)) return const_cast<Box*>(source);
    return new Box{shape_of(source->value)};
  }

  static Box* copy(const Box* source) {
    Box* out = copy_leaf(source);
    if (!source || !holds_terms(source->value)) return out;
    Term guard;  // owns what is copied so far
    guard.box_ = out;
    std::vector<std::pair<const Box*, Box*>> pending{{source, out}};
    std::vector<Term*> targets;
    while (!pending.empty()) {
      const auto [from, to] = pending.back();
      pending.pop_back();
      targets.clear();
      each_child(to->value, [&targets](Term& child) { targets.push_back(&child); });
      std::size_t index = 0;
      each_child(from->value, [&](const Term& child) {
        Box* made = copy_leaf(child.box_);
        targets[index++]->box_ = made;
        if (made && holds_terms(made->value)) pending.emplace_back(child.box_, made);
      });
    }
    return std::exchange(guard.box_, nullptr);
  }
};

namespace {

constexpr std::size_t shared_count = 256;
// Raw, so that a box can be told to be one of them by its address alone.
alignas(std::max_align_t) std::byte shared_boxes[shared_count * sizeof(TermAccess::Box)];

TermAccess::Box* make_shared_boxes() {
  auto* boxes = reinterpret_cast<TermAccess::Box*>(shared_boxes);
  for (std::size_t index = 0; index < shared_count; ++index)
    new (boxes + index) TermAccess::Box{Term::Value(static_cast<std::int64_t>(index))};
  return boxes;
}

}  // namespace

TermAccess::Box* TermAccess::shared(std::int64_t value) {
  static Box* const boxes = make_shared_boxes();
  return boxes + value;
}

bool TermAccess::is_shared(const Box* box) {
  const auto* at = reinterpret_cast<const std::byte*>(box);
  return !std::less<>{}(at, shared_boxes) && std::less<>{}(at, shared_boxes + sizeof shared_boxes);
}

Term::Term() = default;
Term::Term(const Term& other) : box_(TermAccess::copy(other.box_)) {}
Term::Term(Term&& other) noexcept : box_(std::exchange(other.box_, nullptr)) {}
Term& Term::operator=(const Term& other) {
  if (this != &other) *this = Term(other);
  return *this;
}
Term& Term::operator=(Term&& other) noexcept {
  // By way of a third, for `other` may be inside this.
  Box* taken = std::exchange(other.box_, nullptr);
  TermAccess::destroy(std::exchange(box_, taken));
  return *this;
}
Term::~Term() {
  if (box_) TermAccess::destroy(box_);
}

Term::Term(Atom value) {
  if (!utf8::fits_atom(value.name)) value.name = utf8::fit_atom(value.name);
  box_ = new Box{std::move(value)};
}
Term::Term(Binary value) : box_(new Box{std::move(value)}) {}
Term::Term(Bitstring value) {
  if (value.bytes.empty() || value.last_bits == 0 || value.last_bits > 7) {
    box_ = new Box{Binary{std::move(value.bytes)}};
    return;
  }
  value.bytes.back() =
      static_cast<char>(static_cast<std::uint8_t>(value.bytes.back()) & (0xFF00u >> value.last_bits));
  box_ = new Box{std::move(value)};
}
Term::Term(Pid value) : box_(new Box{std::move(value)}) {}
Term::Term(Port value) : box_(new Box{std::move(value)}) {}
Term::Term(Ref value) {
  if (value.words.empty()) value.words.push_back(0);
  box_ = new Box{std::move(value)};
}
Term::Term(BigInt value) {
  bigint::normalise(value);
  if (const auto small = bigint::to_int64(value)) {
    *this = Term(*small);
  } else {
    box_ = new Box{std::move(value)};
  }
}
Term::Term(OpaqueFun value) : box_(new Box{std::move(value)}) {}
Term::Term(bool value) : box_(new Box{Atom(value ? "true" : "false")}) {}
Term::Term(double value) : box_(std::isfinite(value) ? new Box{value} : new Box{Atom(unreal_name(value))}) {}
Term::Term(std::int64_t value)
    : box_(value >= 0 && value < 256 ? TermAccess::shared(value) : new Box{value}) {}
Term::Term(std::uint64_t value) {
  if (value <= static_cast<std::uint64_t>(INT64_MAX)) {
    *this = Term(static_cast<std::int64_t>(value));
  } else {
    box_ = new Box{bigint::from_uint64(value)};
  }
}

Term Term::tuple(std::vector<Term> items) {
  Term out;
  out.box_ = new Box{Tuple{std::move(items)}};
  return out;
}

Term Term::list(std::vector<Term> items) {
  Term out;
  if (!items.empty()) out.box_ = new Box{List{std::move(items), {}}};
  return out;
}

Term Term::improper_list(std::vector<Term> items, Term tail) {
  if (!tail.box_) return list(std::move(items));
  if (items.empty()) return tail;
  List made{std::move(items), {}};
  if (auto* rest = std::get_if<List>(&tail.box_->value)) {
    for (Term& item : rest->items) made.items.push_back(std::move(item));
    made.tail = std::move(rest->tail);
  } else {
    made.tail.push_back(std::move(tail));
  }
  Term out;
  out.box_ = new Box{std::move(made)};
  return out;
}

Term Term::map(std::vector<std::pair<Term, Term>> entries) {
  const auto before = [](const Entry& a, const Entry& b) { return compare_keys(a.first, b.first) < 0; };
  if (!std::is_sorted(entries.begin(), entries.end(), before))
    std::stable_sort(entries.begin(), entries.end(), before);
  // Of entries with an equal key the last one stays.
  std::size_t kept = 0;
  for (std::size_t index = 0; index < entries.size(); ++index) {
    const bool again = kept > 0 && compare_keys(entries[kept - 1].first, entries[index].first) == 0;
    if (again) --kept;
    if (kept != index) entries[kept] = std::move(entries[index]);
    ++kept;
  }
  entries.resize(kept);
  Term out;
  out.box_ = new Box{Map{std::move(entries)}};
  return out;
}

Term Term::string(std::string_view text) {
  std::vector<Term> items;
  items.reserve(text.size());
  for (const char octet : text) items.emplace_back(std::int64_t{static_cast<std::uint8_t>(octet)});
  return list(std::move(items));
}

const Term::Value& Term::value() const {
  return box_ ? box_->value : empty_list();
}

const Atom* Term::as_atom() const {
  return std::get_if<Atom>(&value());
}
const std::int64_t* Term::as_integer() const {
  return std::get_if<std::int64_t>(&value());
}
const BigInt* Term::as_big() const {
  return std::get_if<BigInt>(&value());
}
const double* Term::as_float() const {
  return std::get_if<double>(&value());
}
const Binary* Term::as_binary() const {
  return std::get_if<Binary>(&value());
}
const Bitstring* Term::as_bitstring() const {
  return std::get_if<Bitstring>(&value());
}
const Pid* Term::as_pid() const {
  return std::get_if<Pid>(&value());
}
const Port* Term::as_port() const {
  return std::get_if<Port>(&value());
}
const Ref* Term::as_ref() const {
  return std::get_if<Ref>(&value());
}
const OpaqueFun* Term::as_fun() const {
  return std::get_if<OpaqueFun>(&value());
}

const std::vector<Term>* Term::as_tuple() const {
  const auto* tuple = std::get_if<Tuple>(&value());
  return tuple ? &tuple->items : nullptr;
}

const std::vector<Term>* Term::as_list() const {
  const auto* list = std::get_if<List>(&value());
  return list && list->tail.empty() ? &list->items : nullptr;
}

const std::vector<std::pair<Term, Term>>* Term::as_map() const {
  const auto* map = std::get_if<Map>(&value());
  return map ? &map->entries : nullptr;
}

bool Term::is_atom(std::string_view name) const {
  const auto* atom = as_atom();
  return atom && atom->name == name;
}

bool Term::is_record(std::string_view tag, std::size_t size) const {
  const auto* items = as_tuple();
  return items && items->size() == size && size > 0 && items->front().is_atom(tag);
}

const Term* Term::get(std::string_view atom_key) const {
  const auto* entries = as_map();
  if (!entries) return nullptr;
  for (const auto& [key, item] : *entries)
    if (key.is_atom(atom_key)) return &item;
  return nullptr;
}

std::optional<std::string> Term::text() const {
  if (const auto* atom = as_atom()) return atom->name;
  if (const auto* binary = as_binary()) return binary->bytes;
  const auto* items = as_list();
  if (!items) return std::nullopt;
  std::string out;
  out.reserve(items->size());
  for (const Term& item : *items) {
    const auto* octet = item.as_integer();
    if (!octet || *octet < 0 || *octet > 255) return std::nullopt;
    out.push_back(static_cast<char>(static_cast<std::uint8_t>(*octet)));
  }
  return out;
}

}  // namespace brood::inline v0
