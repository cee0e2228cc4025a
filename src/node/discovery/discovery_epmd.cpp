// Discovery by asking each host's EPMD.
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <brood/discovery.hpp>
#include <deque>

#include "node/epmd/epmd_names.hpp"
#include "node/net/poll_thread.hpp"
#include "node/net/resolve.hpp"

namespace brood::node {
namespace {

namespace asio = boost::asio;
using ErrorCode = boost::system::error_code;

/// All hosts are asked at once; what has not answered by then is asked again the next time.
constexpr std::chrono::milliseconds patience{2000};

/// One host's EPMD and what it has said so far.
struct Question {
  Question(asio::io_context& io, std::string asked_host) : socket(io), host(std::move(asked_host)) {}
  asio::ip::tcp::socket socket;
  std::string host;
  std::string answer;
  bool whole = false;
};

void ask(Question& question, const Endpoints& endpoints) {
  static const Bytes request = epmd::names_request();
  asio::async_connect(
      question.socket, endpoints, [&](const ErrorCode& error, const asio::ip::tcp::endpoint&) {
        if (error) return;
        asio::async_write(question.socket, asio::buffer(request), [&](const ErrorCode& failed, std::size_t) {
          if (failed) return;
          asio::async_read(
              question.socket, asio::dynamic_buffer(question.answer, epmd::names_bytes_max),
              [&](const ErrorCode& end, std::size_t) { question.whole = end == asio::error::eof; });
        });
      });
}

class EpmdDiscovery final : public Discovery {
 public:
  explicit EpmdDiscovery(EpmdScan options) : options_(std::move(options)) {}
  ~EpmdDiscovery() override { thread_.stop(); }
  void start(DiscoveryHost host) override {
    host_ = std::move(host);
    thread_.start(options_.every, [this] { scan(); });
  }
  void stop() override { thread_.stop(); }

 private:
  void scan() {
    asio::io_context io;
    std::deque<Question> questions;  // where one stays while others are added
    for (const std::string& host : options_.hosts) {
      Question& question = questions.emplace_back(io, host);
      resolve_async(io, host, host_.epmd_port, [&question](const Result<Endpoints>& endpoints) {
        if (endpoints) ask(question, *endpoints);
      });
    }
    io.run_for(patience);
    for (const Question& question : questions) {
      const auto nodes = question.whole ? epmd::names_answer(question.answer)
                                        : Result<std::vector<epmd::RegisteredNode>>(Error{Errc::timeout, ""});
      if (!nodes) continue;
      for (const epmd::RegisteredNode& node : *nodes) {
        if (node.name.substr(0, options_.prefix.size()) == options_.prefix)
          host_.found(node.name + "@" + question.host);
      }
    }
  }

  const EpmdScan options_;
  DiscoveryHost host_;
  PollThread thread_;
};

}  // namespace
}  // namespace brood::node

std::shared_ptr<brood::Discovery> brood::discover_epmd(EpmdScan options) {
  return std::make_shared<node::EpmdDiscovery>(std::move(options));
}
