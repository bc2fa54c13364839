// SPDX-License-Identifier: Apache-2.0
//
// The way to call a function of a program: what it throws becomes a Status. The error handling of
// this project has no exceptions, so one that is not caught here would end a thread, and with it
// the process.
#ifndef TRIDENT_BASE_GUARD_H_
#define TRIDENT_BASE_GUARD_H_

#include <exception>
#include <string_view>
#include <type_traits>

#include "base/status.h"

namespace trident {

// Returns call(), which is a Status, a StatusOr or nothing; with nothing, an ok Status. If it
// throws: Aborted, that names `what` and the exception.
template <class Call>
auto Guarded(std::string_view what, Call&& call) {
  using Result = std::invoke_result_t<Call&>;
  using Answer = std::conditional_t<std::is_void_v<Result>, Status, Result>;
  try {
    if constexpr (std::is_void_v<Result>) {
      call();
      return Answer();
    } else {
      return Answer(call());
    }
  } catch (const std::exception& e) {
    return Answer(Aborted(what, " threw: ", e.what()));
  } catch (...) {
    return Answer(Aborted(what, " threw something that is no std::exception"));
  }
}

}  // namespace trident

#endif  // TRIDENT_BASE_GUARD_H_
