// SPDX-License-Identifier: Apache-2.0
//
// Short forms for absl::Status and absl::StatusOr, by which the project reports errors of the
// outside world. A message says what was expected, what was found, where, and what to try.
#ifndef TRIDENT_BASE_STATUS_H_
#define TRIDENT_BASE_STATUS_H_

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace trident {

using absl::Status;
using absl::StatusCode;
using absl::StatusOr;

// A status whose message is the pieces joined; takes std::string, std::string_view, const char* and
// numbers (absl::StrCat of this Abseil does not take std::string_view).
template <class... Pieces>
Status MakeStatus(StatusCode code, const Pieces&... pieces);

template <class... Pieces>
Status InvalidArgument(const Pieces&... pieces) {
  return MakeStatus(StatusCode::kInvalidArgument, pieces...);
}
template <class... Pieces>
Status NotFound(const Pieces&... pieces) {
  return MakeStatus(StatusCode::kNotFound, pieces...);
}
template <class... Pieces>
Status FailedPrecondition(const Pieces&... pieces) {
  return MakeStatus(StatusCode::kFailedPrecondition, pieces...);
}
template <class... Pieces>
Status Unavailable(const Pieces&... pieces) {
  return MakeStatus(StatusCode::kUnavailable, pieces...);
}
template <class... Pieces>
Status DataLoss(const Pieces&... pieces) {
  return MakeStatus(StatusCode::kDataLoss, pieces...);
}
template <class... Pieces>
Status ResourceExhausted(const Pieces&... pieces) {
  return MakeStatus(StatusCode::kResourceExhausted, pieces...);
}
template <class... Pieces>
Status DeadlineExceeded(const Pieces&... pieces) {
  return MakeStatus(StatusCode::kDeadlineExceeded, pieces...);
}
template <class... Pieces>
Status Aborted(const Pieces&... pieces) {
  return MakeStatus(StatusCode::kAborted, pieces...);
}
template <class... Pieces>
Status Internal(const Pieces&... pieces) {
  return MakeStatus(StatusCode::kInternal, pieces...);
}
template <class... Pieces>
Status AlreadyExists(const Pieces&... pieces) {
  return MakeStatus(StatusCode::kAlreadyExists, pieces...);
}
template <class... Pieces>
Status OutOfRange(const Pieces&... pieces) {
  return MakeStatus(StatusCode::kOutOfRange, pieces...);
}

namespace status_internal {
inline void Append(std::string& out, std::string_view s) { out.append(s); }
inline void Append(std::string& out, char c) { out.push_back(c); }
template <class N>
requires(std::is_arithmetic_v<N> && !std::is_same_v<N, char>) void Append(std::string& out, N n) {
  out.append(std::to_string(n));
}
}  // namespace status_internal

// The pieces joined; the project's StrCat over std:: types.
template <class... Pieces>
std::string Concat(const Pieces&... pieces) {
  std::string out;
  (status_internal::Append(out, pieces), ...);
  return out;
}

template <class... Pieces>
Status MakeStatus(StatusCode code, const Pieces&... pieces) {
  return Status(code, Concat(pieces...));
}

inline std::string_view Message(const Status& s) {
  return std::string_view(s.message().data(), s.message().size());
}

// The same code, with "context: " put before the message. A status that is ok stays as it is.
inline Status Annotate(const Status& s, std::string_view context) {
  return s.ok() ? s : Status(s.code(), Concat(context, ": ", Message(s)));
}

}  // namespace trident

#define TRIDENT_RETURN_IF_ERROR(expression)                                   \
  do {                                                                        \
    if (::absl::Status trident_status_ = (expression); !trident_status_.ok()) \
      return trident_status_;                                                 \
  } while (false)

#define TRIDENT_CONCAT_INNER_(a, b) a##b
#define TRIDENT_CONCAT_(a, b) TRIDENT_CONCAT_INNER_(a, b)
#define TRIDENT_ASSIGN_OR_RETURN(declaration, expression) \
  TRIDENT_ASSIGN_OR_RETURN_(TRIDENT_CONCAT_(trident_or_, __LINE__), declaration, expression)
#define TRIDENT_ASSIGN_OR_RETURN_(holder, declaration, expression) \
  auto holder = (expression);                                      \
  if (!holder.ok()) return holder.status();                        \
  declaration = std::move(holder).value()

#endif  // TRIDENT_BASE_STATUS_H_
