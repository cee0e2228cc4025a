// Host names to addresses. Literals are answered without the resolver.
//
// Thread rule: resolve_async() from any thread, its answer comes on `io`, at the latest after some seconds
// (see Resolver); resolve_now() blocks, for as long as the system does.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <brood/result.hpp>
#include <functional>
#include <string>
#include <vector>

namespace brood::node {

using Endpoints = std::vector<boost::asio::ip::tcp::endpoint>;

/// "127.0.0.1:4369", "[::1]:4369".
[[nodiscard]] std::string to_text(const boost::asio::ip::tcp::endpoint& endpoint);

/// Addresses of `host`, IPv4 first, with `port` in each; never empty. unreachable: it does not resolve.
[[nodiscard]] Result<Endpoints> resolve_now(const std::string& host, std::uint16_t port);
void resolve_async(boost::asio::io_context& io, const std::string& host, std::uint16_t port,
                   std::function<void(Result<Endpoints>)> done);

}  // namespace brood::node
