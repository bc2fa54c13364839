// SPDX-License-Identifier: Apache-2.0
//
// user_compile: what it costs a user to compile a topology, the word count, beside a file that
// includes four headers of the standard library and holds nothing.
#include <spawn.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "tests/bench/benchmarks.h"
#include "tests/support/paths.h"

namespace trident::bench {
namespace {

constexpr char kCompiler[] = "g++";
constexpr double kBytesPerMb = 1e6;

// Runs the compiler to its end, with all the processes that it starts. The figures: CPU seconds of
// all of them, and the memory of the largest in MB. NotFound: there is no compiler.
StatusOr<std::vector<double>> Compile(std::vector<std::string> words) {
  words.insert(words.begin(), {kCompiler, "-std=c++20"});
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  setenv("CCACHE_DISABLE", "1", 1);  // the g++ of a path may be ccache
  pid_t pid = -1;
  if (const int error = posix_spawnp(&pid, kCompiler, nullptr, nullptr, argv.data(), environ);
      error != 0) {
    return NotFound("cannot start ", kCompiler, ": ", std::strerror(error));
  }
  int ended = 0;
  rusage used{};
  while (wait4(pid, &ended, 0, &used) < 0) {
    if (errno != EINTR) return Internal("cannot wait for ", kCompiler);
  }
  if (!WIFEXITED(ended) || WEXITSTATUS(ended) != 0) {
    return FailedPrecondition(kCompiler, " failed; its message stands above");
  }
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return std::vector<double>{seconds(used.ru_utime) + seconds(used.ru_stime),
                             static_cast<double>(used.ru_maxrss) * 1024 / kBytesPerMb};
}

// How many headers of this tree the word count includes, directly and through others.
StatusOr<double> CountHeaders(const std::string& source, const std::string& rules) {
  const std::string root = InSourceTree("");
  TRIDENT_RETURN_IF_ERROR(Compile({"-I" + root, "-M", source, "-MF", rules}).status());
  std::ifstream words(rules);
  std::set<std::string> headers;
  for (std::string word; words >> word;) {
    if (word.starts_with(root) && word.ends_with(".h")) headers.insert(word);
  }
  if (headers.empty()) return Internal("found no header of ", root, " in what -M printed");
  return static_cast<double>(headers.size());
}

}  // namespace

Status UserCompile(const Bench& bench) {
  const ScratchDir dir(bench.settings());
  const std::string source = InSourceTree("examples/wordcount.cc");
  const StatusOr<double> headers = CountHeaders(source, dir.File("rules"));
  if (headers.status().code() == StatusCode::kNotFound) {
    std::printf("%-17s skipped: %s\n", "user_compile",
                std::string(Message(headers.status())).c_str());
    return absl::OkStatus();
  }
  TRIDENT_RETURN_IF_ERROR(headers.status());
  std::ofstream(dir.File("plain.cc"))
      << "#include <functional>\n#include <map>\n#include <string>\n#include <vector>\n";
  const auto compile = [&](const std::string& file) {
    return Compile({"-O2", "-I" + InSourceTree(""), "-c", file, "-o", dir.File("object")});
  };
  TRIDENT_ASSIGN_OR_RETURN(const auto samples,
                           bench.InTurn({[&] { return compile(dir.File("plain.cc")); },
                                         [&] { return compile(source); }}));
  bench.Add({.metric = "CPU seconds, of four standard headers",
             .value = samples[1][0],
             .unit = "s",
             .baseline = samples[0][0],
             .goal = Goal::ValueAtMost(6)});
  bench.Add({.metric = "peak memory, of four standard headers",
             .value = samples[1][1],
             .unit = "MB",
             .baseline = samples[0][1],
             .goal = Goal::ValueAtMost(250)});
  bench.Add({.metric = "our headers, included directly and indirectly",
             .value = *headers,
             .unit = "headers",
             .goal = Goal::ValueAtMost(30)});
  return absl::OkStatus();
}

}  // namespace trident::bench
