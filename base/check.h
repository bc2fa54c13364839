// SPDX-License-Identifier: Apache-2.0
//
// CHECK states a condition that only a bug can break. It stays on in every build, prints the
// condition, the place and the values streamed into it, and aborts: a process that is wrong about
// itself must not commit. Errors of the outside world (files, networks, users) are reported by
// absl::Status, never by CHECK.
#ifndef TRIDENT_BASE_CHECK_H_
#define TRIDENT_BASE_CHECK_H_

#include <sstream>

namespace trident::check_internal {

// Prints "CHECK failed: <condition> at <file>:<line> <message>" to stderr and aborts.
[[noreturn]] void Fail(const char* condition, const char* file, int line, const char* message);

// Collects the streamed message; its destructor ends the process.
class Failure {
 public:
  Failure(const char* condition, const char* file, int line)
      : condition_(condition), file_(file), line_(line) {}
  [[noreturn]] ~Failure() { Fail(condition_, file_, line_, stream_.str().c_str()); }
  std::ostream& stream() { return stream_; }

 private:
  const char* condition_;
  const char* file_;
  int line_;
  std::ostringstream stream_;
};

struct Voidify {
  void operator&(std::ostream&) {}
};

}  // namespace trident::check_internal

#define TRIDENT_CHECK(condition)                      \
  (__builtin_expect(static_cast<bool>(condition), 1)) \
      ? (void)0                                       \
      : ::trident::check_internal::Voidify() &        \
            ::trident::check_internal::Failure(#condition, __FILE__, __LINE__).stream()

#define TRIDENT_CHECK_OP(a, op, b) TRIDENT_CHECK((a)op(b))
#define TRIDENT_CHECK_EQ(a, b) TRIDENT_CHECK_OP(a, ==, b)
#define TRIDENT_CHECK_NE(a, b) TRIDENT_CHECK_OP(a, !=, b)
#define TRIDENT_CHECK_LT(a, b) TRIDENT_CHECK_OP(a, <, b)
#define TRIDENT_CHECK_LE(a, b) TRIDENT_CHECK_OP(a, <=, b)
#define TRIDENT_CHECK_GT(a, b) TRIDENT_CHECK_OP(a, >, b)
#define TRIDENT_CHECK_GE(a, b) TRIDENT_CHECK_OP(a, >=, b)
// Aborts, printing the status, unless `expression`, an absl::Status or StatusOr, is ok.
#define TRIDENT_CHECK_OK(expression)                                                \
  if (const auto& trident_check_status_ = (expression); trident_check_status_.ok()) \
    ;                                                                               \
  else                                                                              \
    ::trident::check_internal::Fail(                                                \
        #expression, __FILE__, __LINE__,                                            \
        ::trident::check_internal::StatusText(trident_check_status_).c_str())

namespace trident::check_internal {
template <class S>
std::string StatusText(const S& s) {
  if constexpr (requires { s.status(); }) {
    return s.status().ToString();
  } else {
    return s.ToString();
  }
}
}  // namespace trident::check_internal

#endif  // TRIDENT_BASE_CHECK_H_
