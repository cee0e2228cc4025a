#include "node/handshake/flags.hpp"

#include <array>
#include <string_view>

namespace brood::node::flag {
namespace {

struct Named {
  std::uint64_t flag;
  std::string_view name;
};

constexpr std::array names{
    Named{extended_references, "EXTENDED_REFERENCES"},
    Named{dist_monitor, "DIST_MONITOR"},
    Named{fun_tags, "FUN_TAGS"},
    Named{dist_monitor_name, "DIST_MONITOR_NAME"},
    Named{new_fun_tags, "NEW_FUN_TAGS"},
    Named{extended_pids_ports, "EXTENDED_PIDS_PORTS"},
    Named{export_ptr_tag, "EXPORT_PTR_TAG"},
    Named{bit_binaries, "BIT_BINARIES"},
    Named{new_floats, "NEW_FLOATS"},
    Named{utf8_atoms, "UTF8_ATOMS"},
    Named{map_tag, "MAP_TAG"},
    Named{big_creation, "BIG_CREATION"},
    Named{send_sender, "SEND_SENDER"},
    Named{exit_payload, "EXIT_PAYLOAD"},
    Named{handshake_23, "HANDSHAKE_23"},
    Named{fragments, "FRAGMENTS"},
    Named{unlink_id, "UNLINK_ID"},
    Named{v4_nc, "V4_NC"},
    Named{alias, "ALIAS"},
};

}  // namespace

std::string missing(std::uint64_t flags) {
  std::string out;
  const std::uint64_t lacking = required & ~flags;
  for (const Named& named : names) {
    if ((lacking & named.flag) == 0) continue;
    if (!out.empty()) out += ", ";
    out += named.name;
  }
  return out;
}

}  // namespace brood::node::flag
