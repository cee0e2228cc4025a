#include "node/net/resolve.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <memory>
#include <optional>

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

Result<Endpoints> answer(const std::string& host, std::uint16_t port, const boost::system::error_code& error,
                         const Tcp::resolver::results_type& results) {
  Endpoints endpoints;
  for (const auto& entry : results) endpoints.emplace_back(entry.endpoint().address(), port);
  if (error || endpoints.empty()) {
    return Error{Errc::unreachable, fmt::format("the host {} does not resolve: {}", host, error.message())};
  }
  // Most nodes and EPMDs listen on IPv4 alone.
  std::stable_partition(endpoints.begin(), endpoints.end(),
                        [](const Tcp::endpoint& endpoint) { return endpoint.address().is_v4(); });
  return endpoints;
}

}  // namespace

std::string to_text(const Tcp::endpoint& endpoint) {
  const std::string address = endpoint.address().to_string();
  return endpoint.address().is_v6() ? fmt::format("[{}]:{}", address, endpoint.port())
                                    : fmt::format("{}:{}", address, endpoint.port());
}

Result<Endpoints> resolve_now(asio::io_context& io, const std::string& host, std::uint16_t port) {
  if (auto endpoints = literal(host, port)) return std::move(*endpoints);
  Tcp::resolver resolver(io);
  boost::system::error_code error;
  const auto results = resolver.resolve(host, "", error);
  return answer(host, port, error, results);
}

void resolve_async(asio::io_context& io, const std::string& host, std::uint16_t port,
                   std::function<void(Result<Endpoints>)> done) {
  if (auto endpoints = literal(host, port)) {
    asio::post(io,
               [done = std::move(done), found = std::move(*endpoints)]() mutable { done(std::move(found)); });
    return;
  }
  auto resolver = std::make_shared<Tcp::resolver>(io);
  resolver->async_resolve(
      host, "",
      [resolver, host, port, done = std::move(done)](const boost::system::error_code& error,
                                                     const Tcp::resolver::results_type& results) {
        done(answer(host, port, error, results));
      });
}

}  // namespace brood::node
