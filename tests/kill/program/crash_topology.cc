// SPDX-License-Identifier: Apache-2.0
//
// crash_topology: a program of words whose function ends its process at one of them, in a way that
// one can choose, before or behind an exchange. Its DRPC function `echo` does so at such an
// argument.
#include <sys/resource.h>

#include <chrono>
#include <cstdlib>
#include <thread>

#include "trident/run/program.h"
#include "trident/spouts/text_file_spout.h"

namespace trident {
namespace {

constexpr Field<Text> kTaken{"taken"};
constexpr Field<int64_t> kCount{"count"};

// More stack than any thread has.
int Descend(volatile int* above) {  // NOLINT(misc-no-recursion)
  volatile int here[1024];
  here[0] = above == nullptr ? 0 : above[0] + 1;
  if (here[0] < 0) return 0;  // never
  return Descend(here) + here[0];
}

void End(const std::string& how) {
  if (how == "abort") std::abort();
  if (how == "overflow") Descend(nullptr);
  if (how == "exit") std::_Exit(5);
  if (how == "hang") {
    for (;;) std::this_thread::sleep_for(std::chrono::seconds(1));
  }
}

StatusOr<Topology> Build(const ProgramArgs& args) {
  const auto take = [how = args.Text("how"), bad = args.Text("at")](Text word) -> Text {
    if (word == bad) End(how);
    return word;
  };
  TextFileOptions files;
  files.paths = args.List("input");
  files.splits.readers = 2;
  Topology topology("crash");
  auto lines = topology.NewStream("lines", TextFileSpout::Make(files));
  if (args.Has("behind")) lines = lines.PartitionBy(kLine);
  lines.Each(kLine, take, kTaken)
      .Name("take")
      .GroupBy(kTaken)
      .PersistentAggregate({.name = "counts"}, Count(), kCount);
  topology.NewDrpcStream("echo").Each(
      kArgs,
      [](Text args) -> Text {
        End(std::string(args));
        return args;
      },
      kTaken);
  return topology;
}

}  // namespace
}  // namespace trident

// Under the address sanitizer too, a stack that overflows ends the process by its signal. By
// default the sanitizer reports it and exits with 1, which the tests take for an end in order.
extern "C" const char* __asan_default_options() {  // NOLINT(bugprone-reserved-identifier)
  return "handle_segv=0:handle_abort=0";
}

int main(int argc, char** argv) {
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  using Kind = trident::ProgramOption::Kind;
  return trident::RunProgram(
      argc, argv,
      {.name = "crash_topology",
       .options = {{.name = "input", .help = "a file of words", .kind = Kind::kList},
                   {.name = "how", .help = "abort, overflow, exit or hang"},
                   {.name = "at", .help = "the word"},
                   {.name = "behind", .help = "behind an exchange", .kind = Kind::kFlag}},
       .build = trident::Build});
}
