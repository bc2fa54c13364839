// SPDX-License-Identifier: Apache-2.0
//
// crash_topology: a program of words whose function ends its process at one of them, in a way that
// one can choose, before or behind an exchange; or a combiner, a reducer or an aggregator does, or
// the combiner in a fold. Its DRPC function `echo` does so at such an argument.
#include <sys/resource.h>

#include <chrono>
#include <cstdlib>
#include <string>
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

const std::thread::id kMainThread = std::this_thread::get_id();
thread_local bool t_takes_words = false;

// Counts words, and ends the process where its place says so.
struct Ending {
  std::string how;
  std::string bad;    // the word
  std::string place;  // "aggregator", "combiner", "reducer" or "fold"
};
struct EndingCount : Ending {
  using Value = int64_t;
  Value Zero() const { return 0; }
  Value Init(Text word) const {
    if (place == "aggregator" && word == bad) End(how);
    return 1;
  }
  Value Combine(Value a, Value b) const {
    if (place == "combiner" && a + b > 1000) End(how);
    const bool folds = !t_takes_words && std::this_thread::get_id() != kMainThread;
    if (place == "fold" && folds) End(how);
    return a + b;
  }
};
struct EndingReducer : Ending {
  using Value = int64_t;
  Value Init() const { return 0; }
  void Reduce(Value& value, Text word) const {
    if (word == bad) End(how);
    ++value;
  }
};

void AddEnding(Stream words, const Ending& ending) {
  if (ending.place == "fold") {
    words.GroupBy(kTaken).PersistentAggregate({.name = "folded"}, kTaken, EndingCount{ending},
                                              kCount);
  } else if (ending.place == "reducer") {
    words.PersistentAggregate({.name = "reduced"}, kTaken, EndingReducer{ending}, kCount);
  } else {
    words.PersistentAggregate({.name = "combined"}, kTaken, EndingCount{ending}, kCount);
  }
}

StatusOr<Topology> Build(const ProgramArgs& args) {
  const Ending ending{args.Text("how"), args.Text("at"), args.Text("in")};
  const auto take = [ending](Text word) -> Text {
    t_takes_words = true;
    if (word == ending.bad && ending.place.empty()) End(ending.how);
    return word;
  };
  TextFileOptions files;
  files.paths = args.List("input");
  files.splits.readers = 2;
  Topology topology("crash");
  auto lines = topology.NewStream("lines", TextFileSpout::Make(files));
  if (args.Has("behind")) lines = lines.PartitionBy(kLine);
  const Stream taken = lines.Each(kLine, take, kTaken).Name("take");
  taken.GroupBy(kTaken).PersistentAggregate({.name = "counts"}, Count(), kCount);
  if (args.Has("in")) AddEnding(taken, ending);
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
                   {.name = "in", .help = "aggregator, combiner, reducer or fold"},
                   {.name = "behind", .help = "behind an exchange", .kind = Kind::kFlag}},
       .build = trident::Build});
}
