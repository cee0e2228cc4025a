// A plug-in of another version, as BROOD_REGISTER_WORKERS of that version makes it, for the tests. With
// BROOD_TEST_LACKS it needs what this version does not have, so that it cannot even be loaded.
#include <cstdint>

extern "C" __attribute__((visibility("default"), used)) const char brood_plugin_mark[] =
    "brood-plugin-version:1;";
extern "C" __attribute__((visibility("default"))) std::uint32_t brood_plugin_version() {
  return 1;
}
extern "C" __attribute__((visibility("default"))) void brood_register_workers(void* /*registry*/) {}

#ifdef BROOD_TEST_LACKS
namespace brood::inline v999 {
extern int of_another_version;
}
extern "C" __attribute__((visibility("default"), used)) int* const brood_lacks = &brood::of_another_version;
#endif
