#include "apps/brood/workers/echo.hpp"

namespace brood::app::builtin {
namespace {

// A Behaviour of its own: any term at all is a message here, and none is decoded.
class Echo final : public Behaviour {
 public:
  Result<void> start(Context&) override { return {}; }
  Result<EncodedTerm> call(Message message) override { return message.to_bytes(); }
  void cast(Message) override {}
  void info(Message) override {}
  void down(const Down&) override {}
  void terminate(const ExitReason&) override {}
  std::string shown_name() const override { return "echo"; }
};

}  // namespace

std::unique_ptr<Behaviour> make_echo(const EncodedTerm&) {
  return std::make_unique<Echo>();
}

}  // namespace brood::app::builtin
