#include "supervisor/node/worker_table.hpp"

#include <dlfcn.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <brood/node.hpp>
#include <charconv>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>

#include "process/local/local_supervisor.hpp"

namespace brood::supervisor {

void WorkerTable::on_change(std::function<void()> notify) {
  std::lock_guard lock(mutex_);
  notify_ = std::move(notify);
}

void WorkerTable::changed() {
  std::function<void()> notify;
  {
    std::lock_guard lock(mutex_);
    notify = notify_;
  }
  if (notify) notify();
}

Result<void> WorkerTable::add(const std::string& name, BehaviourFactory factory) {
  const bool reserved = name == "exec" || name == supervisor_worker;
  if (name.empty() || name.size() > 255 || reserved || name.find(':') != std::string::npos) {
    return Error{
        Errc::invalid_argument,
        fmt::format("worker name '{}' is not allowed: 1 to 255 characters, no ':', and neither 'exec' "
                    "nor 'supervisor'",
                    name)};
  }
  {
    std::lock_guard lock(mutex_);
    const auto [place, added] = factories_.try_emplace(name);
    if (!added) {
      return Error{Errc::already_exists, fmt::format("a worker named '{}' is already registered", name)};
    }
    place->second = std::move(factory);
  }
  changed();
  return {};
}

namespace {

Error other_version(const std::string& path, std::uint32_t built_for) {
  return {Errc::refused,
          fmt::format("{} was built for version {} of plug-ins, and this node has {}; build it with this "
                      "node's headers",
                      path, built_for, plugin_version)};
}

/// The version that BROOD_REGISTER_WORKERS has left in the file. nullopt: none.
std::optional<std::uint32_t> marked_version(const std::string& file) {
  constexpr std::string_view mark = "brood-plugin-version:";
  if (std::error_code none; !std::filesystem::is_regular_file(file, none)) return std::nullopt;
  std::ifstream in(file, std::ios::binary);
  const std::string octets{std::istreambuf_iterator<char>(in), {}};
  const std::size_t at = octets.find(mark);
  if (at == std::string::npos) return std::nullopt;
  std::uint32_t version = 0;
  const char* const begin = octets.data() + at + mark.size();
  const auto [end, error] = std::from_chars(begin, octets.data() + octets.size(), version);
  return error == std::errc{} ? std::optional(version) : std::nullopt;
}

}  // namespace

Result<void*> WorkerTable::open_library(const std::string& path) {
  // A bare name would be looked for in the system's folders; a worker library is a file the user named.
  const std::string file = path.find('/') == std::string::npos ? "./" + path : path;
  void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const std::string words = dlerror();
    // It may lack what this version does not have any more: then that is what is to be said.
    if (const auto built_for = marked_version(file); built_for && *built_for != plugin_version)
      return other_version(path, *built_for);
    return Error{Errc::io, fmt::format("cannot load worker library {}: {}", path, words)};
  }
  void* entry = dlsym(library, "brood_register_workers");
  if (!entry) {
    dlclose(library);
    return Error{Errc::invalid_argument,
                 fmt::format("{} exports no brood_register_workers; see BROOD_REGISTER_WORKERS", path)};
  }
  using Version = std::uint32_t (*)();
  void* version = dlsym(library, "brood_plugin_version");
  const std::uint32_t built_for = version ? reinterpret_cast<Version>(version)() : 0;
  if (built_for != plugin_version) {
    dlclose(library);
    return other_version(path, built_for);
  }
  return entry;
}

Result<void> WorkerTable::let_register(const std::string& path, const std::function<void()>& registration) {
  const auto failed = [&](std::string_view why) {
    return Error{Errc::start_failed, fmt::format("{} threw as it registered its workers: {}", path, why)};
  };
  try {
    registration();
    return {};
  } catch (const std::exception& error) {
    return failed(error.what());
  } catch (...) {
    return failed("what is no std::exception");
  }
}

Result<std::unique_ptr<Behaviour>> WorkerTable::make(const std::string& name, EncodedTerm args) const {
  if (name == supervisor_worker) {
    const auto make_inner = [this](const std::string& worker, EncodedTerm with) {
      return make(worker, std::move(with));
    };
    return std::unique_ptr<Behaviour>(
        std::make_unique<process::LocalSupervisor>(std::move(args), make_inner));
  }
  BehaviourFactory factory;
  {
    std::lock_guard lock(mutex_);
    auto it = factories_.find(name);
    if (it == factories_.end()) {
      std::vector<std::string> known;
      for (const auto& [each, unused] : factories_) known.push_back(each);
      return Error{Errc::no_such_worker,
                   fmt::format("no worker named '{}' here; known: {}", name, fmt::join(known, ", "))};
    }
    factory = it->second;
  }
  // The program's own code. What it throws is the reason why this child does not start.
  try {
    auto made = factory(std::move(args));
    if (!made) return Error{Errc::start_failed, fmt::format("the factory of worker '{}' made nothing", name)};
    return made;
  } catch (const std::exception& error) {
    return Error{Errc::start_failed, error.what()};
  } catch (...) {
    return Error{Errc::start_failed,
                 fmt::format("the factory of worker '{}' threw what is no std::exception", name)};
  }
}

std::vector<std::string> WorkerTable::names() const {
  std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [name, factory] : factories_) names.push_back(name);
  return names;
}

void WorkerTable::trust(const std::string& supervisor, std::set<std::string> tokens) {
  {
    std::lock_guard lock(mutex_);
    trusted_[supervisor] = std::move(tokens);
  }
  changed();
}

bool WorkerTable::trusts(const std::string& supervisor, const std::string& token) const {
  std::lock_guard lock(mutex_);
  const auto it = trusted_.find(supervisor);
  return it != trusted_.end() && it->second.contains(token);
}

core::Offers WorkerTable::offers(const std::string& supervisor) const {
  std::lock_guard lock(mutex_);
  std::set<std::string> offers{std::string(supervisor_worker)};
  for (const auto& [name, factory] : factories_) offers.insert(name);
  if (exec_allow_) offers.insert("exec:*");
  if (auto it = trusted_.find(supervisor); it != trusted_.end())
    offers.insert(it->second.begin(), it->second.end());
  return offers;
}

}  // namespace brood::supervisor
