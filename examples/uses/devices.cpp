// Monitors of devices: each device is watched by one child, on one of the nodes. A device says that it is
// well by a beat, to any node; its monitor tells when it has been silent for too long. Monitors are found by
// the site of their device, which is their tag. When a node dies, the others watch what it has watched.
//
//   watch DEVICE SITE MS   from now on it should beat every MS milliseconds
//   beat DEVICE            it is well
//   report SITE            all devices of a site
//   here                   how many this node watches
#include <iostream>

#include "place.hpp"

namespace uses {
namespace {

struct beat {};
struct state {};

class Monitor : public brood::Worker {
 public:
  using handles = brood::messages<beat, state>;
  Monitor(std::string device, std::chrono::milliseconds every) : device_(std::move(device)), every_(every) {
    wait();
  }

  void on(beat) {
    if (silent_) std::cout << "ALARM OFF: " << device_ << std::endl;
    silent_ = false;
    wait();
  }
  std::string on(state) const { return silent_ ? "silent" : "well"; }

  // No beat for all that time.
  void info(const brood::Term&) {
    silent_ = true;
    std::cout << "ALARM: " << device_ << " is silent" << std::endl;
  }

 private:
  struct overdue {};
  void wait() {
    context().cancel(timer_);
    timer_ = context().send_after(every_, brood::Message::of(overdue{}));
  }

  std::string device_;
  std::chrono::milliseconds every_;
  brood::TimerId timer_;
  bool silent_ = false;
};

// All are asked at once; the first that answers late holds up no other.
std::string report(brood::Supervisor& monitors, const std::string& site) {
  const auto page = monitors.children({.tag = site});
  if (!page) return page.error().message;
  std::vector<brood::Future<std::string>> states;
  for (const brood::ChildInfo& child : page->children)
    states.push_back(monitors.call<std::string>(child.id, state{}, std::chrono::seconds(2)));
  std::string text;
  for (std::size_t i = 0; i < states.size(); ++i)
    text += page->children[i].id.text() + " " + words_of(states[i].get()) + "; ";
  return text.empty() ? "no devices" : text;
}

}  // namespace

void devices(const Words& names) {
  brood::Node node(node_options(names));
  (void)node.workers().add<Monitor>("monitor");
  brood::Supervisor monitors(node, {.name = "devices", .expect = static_cast<std::uint32_t>(names.size())});
  prompt(node, [&](const Words& words) -> std::string {
    const std::string& device = words[1];
    if (words[0] == "watch") {
      const std::chrono::milliseconds every(std::atoll(words[3].c_str()));
      const auto started = monitors.start_child(
          {.id = device, .run = brood::WorkerSpec{"monitor", brood::args(device, every)}, .tag = words[2]});
      return started.get() ? "watched" : started.get().error().message;
    }
    if (words[0] == "beat") return monitors.cast(device, beat{}), "told";
    if (words[0] == "report") return report(monitors, words[1]);
    if (words[0] == "here") return std::to_string(monitors.local_children().size());
    return "watch DEVICE SITE MS, beat DEVICE, report SITE, here";
  });
}

}  // namespace uses
