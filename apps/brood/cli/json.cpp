#include "apps/brood/cli/json.hpp"

namespace brood::app {
namespace {

Json array_json(const std::vector<Term>& items) {
  auto out = Json::array();
  for (const auto& item : items) out.push_back(term_json(item));
  return out;
}

Json map_json(const std::vector<std::pair<Term, Term>>& entries) {
  auto out = Json::object();
  for (const auto& [key, value] : entries) {
    const bool texty = key.as_atom() != nullptr || key.as_binary() != nullptr;
    out[texty ? *key.text() : to_string(key)] = term_json(value);
  }
  return out;
}

Json atom_json(const std::string& name) {
  if (name == "true") return true;
  if (name == "false") return false;
  if (name == "undefined" || name == "nil" || name == "null") return nullptr;
  return name;
}

}  // namespace

std::string json_line(const Json& document) {
  return document.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json error_json(const Trouble& trouble) {
  return Json{{"code", trouble.code}, {"message", trouble.message}};
}

Json term_json(const Term& term) {
  if (const auto* integer = term.as_integer()) return *integer;
  if (const auto* real = term.as_float()) return *real;
  if (const auto* atom = term.as_atom()) return atom_json(atom->name);
  if (const auto* binary = term.as_binary()) return binary->bytes;
  if (const auto* tuple = term.as_tuple()) return array_json(*tuple);
  if (const auto* list = term.as_list()) return array_json(*list);
  if (const auto* map = term.as_map()) return map_json(*map);
  return to_string(term);
}

}  // namespace brood::app
