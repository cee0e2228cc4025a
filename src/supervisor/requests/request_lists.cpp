// Requests that list children. The answer is put together in portions, from shares of the entries, while no
// lock is held. With options it is one page: {ok, #{items => Items, next => Id or undefined}}.
#include <algorithm>

#include "supervisor/driver/driver.hpp"
#include "supervisor/driver/eligibility.hpp"
#include "supervisor/driver/entry_walk.hpp"
#include "supervisor/driver/specs.hpp"
#include "supervisor/node/node_impl.hpp"
#include "supervisor/requests/answers.hpp"
#include "supervisor/requests/child_terms.hpp"
#include "supervisor/requests/requests.hpp"

namespace brood::supervisor {

namespace {

constexpr std::int64_t limit_max = 100'000;
constexpr std::size_t items_at_once = 64;

/// Writes what one child gives: nothing, an item, or more.
using WriteItems = std::function<void(Growing& out, const ChildId& id, const Entry& entry)>;

struct ListQuery {
  EntryWalk::Keep keep;
  WriteItems write;
  Growing::Shape shape = Growing::Shape::list;
  bool wrapped = false;  ///< {ok, Items}, without options too.
};

/// The options of a page; none: all at once.
struct Page {
  std::optional<ChildId> after;
  std::size_t limit = 0;  ///< Children, of those that the request is about.
};

Result<std::optional<Page>> page_option(const RequestPtr& request, std::size_t index) {
  if (request->items.size() <= index) return std::optional<Page>{};
  auto options = options_of(request, index, {"after", "limit"});
  if (!options) return options.error();
  Page page;
  page.limit = 1000;
  if (const Term* limit = options->get("limit")) {
    const auto* number = limit->as_integer();
    if (!number || *number < 1 || *number > limit_max) {
      return Error{Errc::invalid_argument, "option limit: must be 1 to 100000"};
    }
    page.limit = static_cast<std::size_t>(*number);
  }
  if (const Term* after = options->get("after"); after && !after->is_atom("undefined")) {
    auto id = ChildId::from_term(*after);
    if (!id) return Error{Errc::invalid_argument, "option after: " + id.error().message};
    page.after = std::move(*id);
  }
  return std::optional(std::move(page));
}

/// {ok, up to where the items begin, or only the version where they are all of the answer.
Bytes head_of(bool is_page, bool wrapped) {
  Bytes out;
  TermWriter writer(out);
  writer.version();
  if (is_page || wrapped) {
    writer.tuple(2);
    writer.atom("ok");
  }
  if (is_page) {
    writer.map(2);
    writer.atom("items");
  }
  return out;
}

/// One list on its way.
class Listing {
 public:
  Listing(RequestPtr request, ListQuery query, std::optional<Page> page)
      : request_(std::move(request)),
        query_(std::move(query)),
        page_(std::move(page)),
        walk_(page_ ? EntryWalk(request_->driver->registry(), query_.keep, page_->after)
                    : EntryWalk(request_->driver->registry(), query_.keep)),
        out_(query_.shape, head_of(page_.has_value(), query_.wrapped)) {}

  bool portion() {
    for (const Slice slice; !slice.is_over();) {
      const std::size_t room = page_ ? std::min(page_->limit - taken_, items_at_once) : items_at_once;
      for (const auto& [id, entry] : walk_.take(room)) {
        query_.write(out_, id, *entry);
        last_ = id;
        ++taken_;
      }
      const bool is_full = page_ && taken_ == page_->limit;
      if (!is_full && !walk_.is_over()) continue;
      request_->reply_bytes(finished(is_full));
      return true;
    }
    return false;
  }

 private:
  EncodedTerm finished(bool is_full) {
    Bytes bytes = out_.take();
    if (!page_) return EncodedTerm(std::move(bytes));
    TermWriter writer(bytes);
    writer.atom("next");
    // Whether another follows is not known without looking: the last page may be an empty one.
    writer.term(is_full && !walk_.is_over() ? last_.to_term() : Term::atom("undefined"));
    return EncodedTerm(std::move(bytes));
  }

  RequestPtr request_;
  ListQuery query_;
  std::optional<Page> page_;
  EntryWalk walk_;
  Growing out_;
  std::size_t taken_ = 0;
  ChildId last_;
};

/// Answers with what `query` wants, a page of it where items[options_at] are options.
void list(const RequestPtr& request, std::size_t options_at, ListQuery query) {
  auto page = page_option(request, options_at);
  if (!page) return request->fail(page.error());
  auto listing = std::make_shared<Listing>(request, std::move(query), std::move(*page));
  request->in_portions([listing] { return listing->portion(); });
}

bool is_wanted(const Entry& entry) {
  return entry.wanted;
}
bool is_shown(const Entry& entry) {
  return entry.is_shown();
}

bool is_here(const NodeImpl& node, const Place& place) {
  return node.is_here(place.host->node);
}

bool has_pid_here(const NodeImpl& node, const Entry& entry) {
  return std::any_of(entry.places.begin(), entry.places.end(),
                     [&](const Place& place) { return place.has_pid() && is_here(node, place); });
}

void children(const RequestPtr& request) {
  list(request, 1,
       {is_wanted,
        [](Growing& out, const ChildId& id, const Entry& entry) {
          const Place* place = entry.running();
          TermWriter writer = out.next();
          write_term(writer, id);
          writer.term(Term::tuple(
              {place ? Term(place->full_pid()) : Term::atom("restarting"), spec_term(id, *entry.spec)}));
        },
        Growing::Shape::map});
}

void local_children(const RequestPtr& request) {
  NodeImpl& node = request->node;
  list(request, 1,
       {[&node](const Entry& entry) { return entry.wanted && has_pid_here(node, entry); },
        [&node](Growing& out, const ChildId&, const Entry& entry) {
          for (const Place& place : entry.places) {
            if (place.has_pid() && is_here(node, place)) out.next().pid(place.full_pid());
          }
        }});
}

/// local, global, or nothing when the item is neither (answered).
std::optional<bool> scope_item(const RequestPtr& request, std::size_t index) {
  if (request->items[index].is_atom("local")) return true;
  if (request->items[index].is_atom("global")) return false;
  request->fail(Errc::invalid_argument,
                "must be local or global, not " + to_string(request->items[index], 100));
  return std::nullopt;
}

void which_children(const RequestPtr& request) {
  auto local = scope_item(request, 1);
  if (!local) return;
  NodeImpl& node = request->node;
  const auto counts = [&node, local = *local](const Place& place) {
    return local ? is_here(node, place) : place.has_pid();
  };
  list(request, 2,
       {[counts](const Entry& entry) {
          return entry.wanted && std::any_of(entry.places.begin(), entry.places.end(), counts);
        },
        [counts](Growing& out, const ChildId& id, const Entry& entry) {
          for (const Place& place : entry.places) {
            if (!counts(place)) continue;
            out.add(Term::tuple({id.to_term(),
                                 place.has_pid() ? Term(place.full_pid()) : Term::atom("restarting"),
                                 Term::atom(entry.spec->extras->is_supervisor ? "supervisor" : "worker"),
                                 Term::list({Term::atom(entry.spec->worker)})}));
          }
        }});
}

void write_processes(Growing& out, const ChildId& id, const Entry& entry) {
  out.add(Term::tuple({id.to_term(), node_pids(entry)}));
}

void process_list(const RequestPtr& request) {
  auto local = scope_item(request, 1);
  if (!local) return;
  NodeImpl& node = request->node;
  list(request, 2,
       {[&node, local = *local](const Entry& entry) {
          return entry.is_shown() && (!local || has_pid_here(node, entry));
        },
        write_processes});
}

void tag_query(const RequestPtr& request) {
  auto tag = request->items[1].text();
  if (!tag) return request->fail(Errc::invalid_argument, "a tag is text");
  list(request, 2,
       {[tag = *tag](const Entry& entry) { return entry.is_shown() && entry.spec->extras->tag == tag; },
        write_processes});
}

void registry_dump(const RequestPtr& request) {
  list(request, 1,
       {is_shown,
        [](Growing& out, const ChildId& id, const Entry& entry) {
          TermWriter writer = out.next();
          write_term(writer, id);
          writer.term(Term::tuple({spec_term(id, *entry.spec), node_pids(entry), metadata_of(*entry.spec)}));
        },
        Growing::Shape::map});
}

// ---- describe: what the command line shows ---------------------------------------------------------------

void describe_one(const RequestPtr& request, const ChildId& id) {
  const EntryPtr entry = request->driver->registry().find(id);
  if (!entry || !entry->spec) {
    constexpr std::chrono::milliseconds patience{10000};
    if (!may_wait(request)) return request->reply(ok_term(Term::list({})));
    return once_up(request, patience, [id](const RequestPtr& joined) { describe_one(joined, id); });
  }
  request->driver->with_core([request, id, entry](const core::Core& core) {
    auto map = *child_map(id, *entry).as_map();
    const auto placement = core.placement(id);
    map.emplace_back(Term::atom("node_for"),
                     placement.empty() ? Term::atom("undefined") : Term(placement.front()));
    const bool told = std::any_of(map.begin(), map.end(),
                                  [](const auto& item) { return item.first == Term::atom("waiting"); });
    for (auto& option : own_entries(*entry->spec)) map.push_back(std::move(option));
    if (!told)
      if (const auto why = why_waiting(core, *entry))
        map.emplace_back(Term::atom("waiting"), Term::binary(*why));
    request->reply(ok_term(Term::list({Term::map(std::move(map))})));
  });
}

void describe(const RequestPtr& request) {
  const Term& what = request->items[1];
  if (what.is_record("id", 2)) {
    auto id = ChildId::from_term((*what.as_tuple())[1]);
    if (!id) return request->fail(id.error());
    return describe_one(request, *id);
  }
  EntryWalk::Keep keep = is_shown;
  if (what.is_record("tag", 2)) {
    auto tag = (*what.as_tuple())[1].text();
    if (!tag) return request->fail(Errc::invalid_argument, "a tag is text");
    keep = [tag = *tag](const Entry& entry) { return entry.is_shown() && entry.spec->extras->tag == tag; };
  } else if (what.is_atom("local")) {
    keep = [&node = request->node](const Entry& entry) {
      return entry.is_shown() && std::any_of(entry.places.begin(), entry.places.end(),
                                             [&](const Place& place) { return is_here(node, place); });
    };
  } else if (what.is_atom("stopped")) {
    keep = [](const Entry& entry) { return entry.spec && !entry.is_shown(); };
  } else if (!what.is_atom("all")) {
    return request->fail(Errc::invalid_argument,
                         "describe takes all, local, stopped, {id, Id} or {tag, Tag}");
  }
  list(request, 2,
       {std::move(keep),
        [](Growing& out, const ChildId& id, const Entry& entry) { out.add(child_map(id, entry)); },
        Growing::Shape::list, true});
}

}  // namespace

std::vector<Route> list_routes() {
  std::vector<Route> routes;
  // Each with its own items, and with options after them.
  const auto add = [&](std::string_view tag, std::size_t items, Needs needs, Handler handler) {
    routes.push_back({tag, items, needs, handler});
    routes.push_back({tag, items + 1, needs, handler});
  };
  add("children", 1, Needs::member, children);
  add("local_children", 1, Needs::supervisor, local_children);
  add("which_children", 2, Needs::member, which_children);
  add("process_list", 2, Needs::member, process_list);
  add("tag_query", 2, Needs::member, tag_query);
  add("registry_dump", 1, Needs::member, registry_dump);
  add("describe", 2, Needs::member, describe);
  return routes;
}

}  // namespace brood::supervisor
