// Requests about what has happened: why, events.
#include "supervisor/driver/driver.hpp"
#include "supervisor/driver/history.hpp"
#include "supervisor/requests/requests.hpp"

namespace brood::supervisor {
namespace {

constexpr std::int64_t events_max = 100'000;

/// {why, Sup, Id}
void why(const RequestPtr& request) {
  auto id = id_item(request);
  if (!id) return;
  request->driver->with_core([request, id = *std::move(id)](const core::Core& core) {
    const auto history = history_of(core, id);
    if (!history) return request->fail(history.error());
    request->reply(ok_term(history_term(*history)));
  });
}

Result<std::int64_t> number_option(const Term& options, const char* key, std::int64_t fallback,
                                   std::int64_t most) {
  const Term* value = options.get(key);
  if (!value) return fallback;
  const auto* number = value->as_integer();
  if (!number || *number < 0 || *number > most)
    return Error{Errc::invalid_argument,
                 std::string("option ") + key + ": a number from 0 on, not " + to_string(*value, 100)};
  return *number;
}

/// {events, Sup}, {events, Sup, #{after => N, limit => N, prefix => Text}}
void events(const RequestPtr& request) {
  const auto options = options_of(request, 1, {"after", "limit", "prefix"});
  if (!options) return request->fail(options.error());
  const auto after = number_option(*options, "after", 0, std::numeric_limits<std::int64_t>::max());
  const auto limit = number_option(*options, "limit", 1000, events_max);
  if (!after) return request->fail(after.error());
  if (!limit) return request->fail(limit.error());
  EventQuery query;
  query.after = static_cast<std::uint64_t>(*after);
  query.limit = static_cast<std::size_t>(*limit);
  if (const Term* prefix = options->get("prefix")) {
    query.prefix = prefix->text();
    if (!query.prefix) return request->fail(Errc::invalid_argument, "option prefix: must be text");
  }
  request->driver->with_core([request, query = std::move(query)](const core::Core& core) {
    request->reply(ok_term(page_term(events_of(core, query))));
  });
}

}  // namespace

std::vector<Route> history_routes() {
  return {
      {"why", 2, Needs::supervisor, why, Speed::quick},
      {"events", 1, Needs::supervisor, events},
      {"events", 2, Needs::supervisor, events},
  };
}

}  // namespace brood::supervisor
