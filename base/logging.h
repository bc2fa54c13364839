// SPDX-License-Identifier: Apache-2.0
//
// One macro to tell something to the people who operate the process:
//
//     TRIDENT_LOG(WARN) << "fold of state " << name << " took " << ms << " ms";
//
// The level is DEBUG, INFO, WARN or ERROR. The streamed values are evaluated only when the level is
// on. Lines go to stderr. Levels below WARN are off, unless the environment variable TRIDENT_LOG
// (debug, info, warn, error, off) sets another level at the start. Thread-safe: lines never mix.
//
// A log is for people. Facts that a caller needs are in a Status, facts that a program reads are in
// metrics.
#ifndef TRIDENT_BASE_LOGGING_H_
#define TRIDENT_BASE_LOGGING_H_

#include <functional>
#include <sstream>
#include <string>
#include <string_view>

namespace trident {

enum class LogLevel { DEBUG, INFO, WARN, ERROR, OFF };

// Lines below this level are dropped.
LogLevel MinLogLevel();
void SetMinLogLevel(LogLevel level);

// The level with that name, in upper or lower case; `fallback` if there is none.
LogLevel LogLevelNamed(std::string_view name, LogLevel fallback);

// Sends every line to `sink` instead of stderr; an empty function sends them to stderr again. For
// tests and for programs with a log of their own. The sink may be called from any thread, one call
// at a time.
using LogSink = std::function<void(LogLevel, std::string_view line)>;
void SetLogSink(LogSink sink);

namespace logging_internal {

// Collects one line; its destructor writes it.
class LogLine {
 public:
  LogLine(LogLevel level, const char* file, int line);
  ~LogLine();
  LogLine(const LogLine&) = delete;
  LogLine& operator=(const LogLine&) = delete;
  std::ostream& stream() { return stream_; }

 private:
  const LogLevel level_;
  std::ostringstream stream_;
};

struct LogVoidify {
  void operator&(std::ostream&) {}
};

}  // namespace logging_internal
}  // namespace trident

#define TRIDENT_LOG(level)                                                                       \
  (::trident::LogLevel::level < ::trident::MinLogLevel())                                        \
      ? (void)0                                                                                  \
      : ::trident::logging_internal::LogVoidify() &                                              \
            ::trident::logging_internal::LogLine(::trident::LogLevel::level, __FILE__, __LINE__) \
                .stream()

#endif  // TRIDENT_BASE_LOGGING_H_
