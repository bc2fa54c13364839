// SPDX-License-Identifier: Apache-2.0
#include "base/logging.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/mutex.h"

namespace trident {
namespace {

constexpr LogLevel kQuiet = LogLevel::WARN;

struct NamedLevel {
  const char* name;
  LogLevel level;
};
constexpr NamedLevel kLevels[] = {{"debug", LogLevel::DEBUG}, {"info", LogLevel::INFO},
                                  {"warn", LogLevel::WARN},   {"warning", LogLevel::WARN},
                                  {"error", LogLevel::ERROR}, {"off", LogLevel::OFF}};

LogLevel LevelOfEnvironment() {
  const char* wanted = std::getenv("TRIDENT_LOG");
  return wanted == nullptr ? kQuiet : LogLevelNamed(wanted, kQuiet);
}

std::atomic<LogLevel>& MinLevel() {
  static std::atomic<LogLevel> level{LevelOfEnvironment()};
  return level;
}

spdlog::level::level_enum SpdlogLevel(LogLevel level) {
  switch (level) {
    case LogLevel::DEBUG:
      return spdlog::level::debug;
    case LogLevel::INFO:
      return spdlog::level::info;
    case LogLevel::WARN:
      return spdlog::level::warn;
    case LogLevel::ERROR:
      return spdlog::level::err;
    case LogLevel::OFF:
      break;
  }
  return spdlog::level::off;
}

// Where lines go. Never destroyed: a thread may log while the process exits.
class Destination {
 public:
  Destination() : console_("trident", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
    console_.set_level(spdlog::level::trace);
    console_.set_pattern("%Y-%m-%dT%H:%M:%S.%e %L %t %v");
  }

  void SetSink(LogSink sink) TRIDENT_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    sink_ = std::move(sink);
  }

  void Write(LogLevel level, const std::string& line) TRIDENT_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (sink_) {
      sink_(level, line);
    } else {
      console_.log(SpdlogLevel(level), spdlog::string_view_t(line.data(), line.size()));
    }
  }

 private:
  Mutex mutex_;
  LogSink sink_ TRIDENT_GUARDED_BY(mutex_);
  spdlog::logger console_;
};

Destination& TheDestination() {
  static Destination* const destination = new Destination;
  return *destination;
}

constexpr std::string_view kFolders[] = {"/base/",  "/coordinator/", "/engine/",
                                         "/state/", "/trident/",     "/examples/"};

// The path from the root of the tree, which is where it can be found again. A cache of compiled
// files gives some of them the path of another tree, or one that begins with "..".
std::string_view ShortPath(std::string_view file) {
  constexpr std::string_view kThis = __FILE__, kShort = "base/logging.cc";
  constexpr std::string_view kRoot = kThis.substr(0, kThis.size() - kShort.size());
  if (file.starts_with(kRoot)) return file.substr(kRoot.size());
  size_t begin = 0;
  for (const std::string_view folder : kFolders) {
    const size_t at = file.rfind(folder);
    if (at != file.npos) begin = std::max(begin, at + 1);
  }
  return file.substr(begin);
}

}  // namespace

LogLevel MinLogLevel() { return MinLevel().load(std::memory_order_relaxed); }

void SetMinLogLevel(LogLevel level) { MinLevel().store(level, std::memory_order_relaxed); }

LogLevel LogLevelNamed(std::string_view name, LogLevel fallback) {
  std::string lower;
  for (char c : name)
    lower.push_back(static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
  for (const NamedLevel& known : kLevels) {
    if (lower == known.name) return known.level;
  }
  return fallback;
}

void SetLogSink(LogSink sink) { TheDestination().SetSink(std::move(sink)); }

namespace logging_internal {

LogLine::LogLine(LogLevel level, const char* file, int line) : level_(level) {
  stream_ << ShortPath(file) << ':' << line << ' ';
}

LogLine::~LogLine() { TheDestination().Write(level_, stream_.str()); }

}  // namespace logging_internal
}  // namespace trident
