#include "node/net/resolve.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <optional>

#include "node/net/resolver.hpp"

namespace brood::node {
namespace {

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;

std::optional<Endpoints> literal(const std::string& host, std::uint16_t port) {
  boost::system::error_code error;
  const auto address = asio::ip::make_address(host, error);
  if (error) return std::nullopt;
  return Endpoints{Tcp::endpoint(address, port)};
}

Result<Addresses> ask_system(const std::string& host) {
  asio::io_context io;
  Tcp::resolver resolver(io);
  boost::system::error_code error;
  const auto results = resolver.resolve(host, "", error);
  Addresses addresses;
  for (const auto& entry : results) addresses.push_back(entry.endpoint().address());
  if (error || addresses.empty()) {
    return Error{Errc::unreachable, fmt::format("the host {} does not resolve: {}", host, error.message())};
  }
  // Most nodes and EPMDs listen on IPv4 alone.
  std::stable_partition(addresses.begin(), addresses.end(),
                        [](const asio::ip::address& address) { return address.is_v4(); });
  return addresses;
}

/// One for the whole process. Never destroyed: a thread of it may be held by the system's resolver at the
/// end.
Resolver& shared_resolver() {
  static auto& resolver = *new Resolver({.look_up = ask_system});
  return resolver;
}

}  // namespace

std::string to_text(const Tcp::endpoint& endpoint) {
  const std::string address = endpoint.address().to_string();
  return endpoint.address().is_v6() ? fmt::format("[{}]:{}", address, endpoint.port())
                                    : fmt::format("{}:{}", address, endpoint.port());
}

Result<Endpoints> resolve_now(const std::string& host, std::uint16_t port) {
  if (auto endpoints = literal(host, port)) return std::move(*endpoints);
  const auto found = ask_system(host);
  if (!found) return found.error();
  Endpoints endpoints;
  for (const auto& address : *found) endpoints.emplace_back(address, port);
  return endpoints;
}

void resolve_async(asio::io_context& io, const std::string& host, std::uint16_t port,
                   std::function<void(Result<Endpoints>)> done) {
  if (auto endpoints = literal(host, port)) {
    asio::post(io,
               [done = std::move(done), found = std::move(*endpoints)]() mutable { done(std::move(found)); });
    return;
  }
  shared_resolver().resolve(io, host, [port, done = std::move(done)](Result<Addresses> found) {
    if (!found) return done(found.error());
    Endpoints endpoints;
    for (const auto& address : *found) endpoints.emplace_back(address, port);
    done(std::move(endpoints));
  });
}

}  // namespace brood::node
