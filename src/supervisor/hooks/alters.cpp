#include "supervisor/hooks/alters.hpp"

#include <boost/asio/post.hpp>

#include "process/log/log.hpp"
#include "supervisor/driver/specs.hpp"

namespace brood::supervisor {

hooks::StartData start_data(const std::string& supervisor, const core::NamedSpec& child, bool restart) {
  const core::Spec& spec = *child;
  Term metadata = Term::map({});
  if (!spec.metadata.empty())
    if (auto decoded = decode_term(spec.metadata)) metadata = *std::move(decoded);
  return {supervisor, Id(child.id), std::move(metadata), restart, spec.worker, args_term(spec)};
}

core::SpecPtr altered(const core::SpecPtr& spec, const hooks::StartData& data) {
  if (data.worker == spec->worker && data.args == args_term(*spec)) return spec;
  core::Spec changed = *spec;
  if (!spec->is_program()) changed.worker = data.worker;
  changed.args = encode_term(data.args);
  return std::make_shared<const core::Spec>(std::move(changed));
}

Alters::Alters(boost::asio::io_context& control, std::shared_ptr<HookTable> table,
               std::function<std::shared_ptr<void>()> alive)
    : control_(control), table_(std::move(table)), alive_(std::move(alive)) {}

void Alters::ask(const core::NamedSpec& child, const core::Epoch& epoch, bool restart, GoOn go_on) {
  const auto is_over = std::make_shared<std::atomic<bool>>(false);
  const std::weak_ptr<void> alive = alive_();  // what runs later may outlive this object
  auto timer = std::make_unique<boost::asio::steady_timer>(control_, table_->alter_timeout());
  timer->async_wait([this, alive, is_over, child, epoch](const boost::system::error_code& error) {
    *is_over = true;  // also when it was taken back
    const auto held = alive.lock();
    if (error || !held || !waiting_.contains(child.id)) return;
    table_->note_late_alter();
    log::warn("{} starts without what hooks would change: they took too long", child.id.text());
    done(child.id, epoch, child.spec);
  });
  waiting_.insert_or_assign(child.id, Waiting{epoch, std::move(go_on), std::move(timer)});
  const bool put = table_->put_alter([this, table = table_, alive, is_over, child, epoch, restart] {
    if (*is_over) return;
    hooks::StartData data = start_data(table->supervisor(), child, restart);
    table->alter(data);
    core::SpecPtr run = altered(child.spec, data);
    const auto held = alive.lock();
    if (!held) return;
    boost::asio::post(control_, [this, alive, id = child.id, epoch, run = std::move(run)] {
      if (const auto still = alive.lock()) done(id, epoch, run);
    });
  });
  if (!put) done(child.id, epoch, child.spec);
}

bool Alters::take_back(const ChildId& id, const core::Epoch& epoch) {
  const auto found = waiting_.find(id);
  if (found == waiting_.end() || found->second.epoch != epoch) return false;
  waiting_.erase(found);
  return true;
}

void Alters::done(const ChildId& id, const core::Epoch& epoch, const core::SpecPtr& run) {
  const auto found = waiting_.find(id);
  if (found == waiting_.end() || found->second.epoch != epoch) return;  // taken back, or gone on already
  const GoOn go_on = std::move(found->second.go_on);
  waiting_.erase(found);
  go_on(run);
}

}  // namespace brood::supervisor
