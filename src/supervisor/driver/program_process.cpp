#include "supervisor/driver/program_process.hpp"

namespace brood::supervisor {

Result<EncodedTerm> ProgramProcess::shown_state() {
  return encode_term(Term::map({{Term::atom("os_pid"), Term(std::int64_t{os_pid_})}}));
}

Result<EncodedTerm> ProgramProcess::call(Message message) {
  auto request = decode_term(message.to_bytes());
  if (request && request->is_atom("status")) return shown_state();
  return Error{Errc::type_mismatch,
               "this child is an ordinary program; it answers only the call `status`, not " +
                   (request ? to_string(*request, 200) : std::string("this"))};
}

}  // namespace brood::supervisor
