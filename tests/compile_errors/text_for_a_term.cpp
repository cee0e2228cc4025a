// brood: text is no term: encode() and brood::args() make an EncodedTerm of it
#include <brood/brood.hpp>

void use(const brood::Supervisor& supervisor, const std::string& text) {
  brood::WorkerSpec worker{"account"};
  worker.args = text;
  (void)supervisor;
}
