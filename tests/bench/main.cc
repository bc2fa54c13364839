// SPDX-License-Identifier: Apache-2.0
//
// bench [--only NAME] [--json FILE] [--runs N] [--scale X] [--scratch DIR]
#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "tests/bench/benchmarks.h"
#include "tests/bench/exchange.h"
#include "tests/bench/restart.h"
#include "tests/bench/takeover.h"
#include "tests/support/paths.h"

namespace trident::bench {
namespace {

struct Benchmark {
  std::string name;
  Status (*run)(const Bench& bench);
};

const std::vector<Benchmark>& Benchmarks() {
  static const std::vector<Benchmark> all = {
      // First: the peak of a child counts the memory that this process has when it starts it.
      {"user_compile", UserCompile},
      {"word_count_10k", WordCount10k},
      {"word_count_1m", WordCount1m},
      {"word_count_small", WordCountSmall},
      {"commit_latency", CommitLatency},
      {"batch_age", BatchAge},
      {"drpc", Drpc},
      {"state_get", StateGet},
      {"exchange", Exchange},
      {"cluster_words", ClusterWords},
      {"cluster_get", ClusterGet},
      {"cluster_commit", ClusterCommit},
      {"cluster_takeover", ClusterTakeover},
      {"cluster_control", ClusterControlCost},
      {"restart", Restart},
      {"cold_state", ColdState},
      {"growth", Growth},
      {"dead_letters", DeadLetters},
      {"hard_cases", HardCases},
  };
  return all;
}

struct Arguments {
  std::string only;
  std::string json;
  Settings settings = {.scratch = InBuild("bench_scratch")};
};

void PrintHead() {
  std::printf("%-17s %-46s %12s %-7s %12s %8s  %s\n", "bench", "metric", "value", "unit",
              "baseline", "ratio", "goal");
}

// Rows that miss their goal do not fail the run: the table is the result.
Status RunAll(const Arguments& arguments, std::ostream& json) {
  bool any = false;
  PrintHead();
  for (const Benchmark& benchmark : Benchmarks()) {
    if (!arguments.only.empty() && arguments.only != benchmark.name) continue;
    any = true;
    const Bench bench(benchmark.name, arguments.settings, [&](const Row& row) {
      std::printf("%s\n", row.Text().c_str());
      std::fflush(stdout);
      json << row.Json() << std::endl;
    });
    TRIDENT_RETURN_IF_ERROR(Annotate(benchmark.run(bench), benchmark.name));
  }
  if (any) return absl::OkStatus();
  std::string names;
  for (const Benchmark& benchmark : Benchmarks()) names += " " + benchmark.name;
  return InvalidArgument("there is no benchmark \"", arguments.only, "\"; there are:", names);
}

int Main(int argc, char** argv) {
  CLI::App app("Benchmarks, each beside its baseline in the same run");
  Arguments arguments;
  app.add_option("--only", arguments.only, "run this one");
  app.add_option("--json", arguments.json, "write the rows to this file, one JSON object a line");
  app.add_option("--runs", arguments.settings.runs, "runs of each side; rows are samples")
      ->check(CLI::Range(1, 1000));
  app.add_option("--scale", arguments.settings.scale, "multiply the sizes")
      ->check(CLI::Range(1e-6, 1e3));
  app.add_option("--scratch", arguments.settings.scratch, "where state directories are made");
  RestartChild restart;  // what this program calls itself with
  app.add_option("--restart-dir", restart.dir)->group("");
  app.add_option("--restart-keys", restart.keys)->group("");
  app.add_option("--restart-rows", restart.rows_until_kill)->group("");
  TakeoverChild takeover;
  app.add_option("--takeover-dir", takeover.dir)->group("");
  app.add_option("--takeover-worker", takeover.worker)->group("");
  app.add_option("--takeover-leader", takeover.leader)->group("");
  int exchange_port = 0;
  app.add_option("--exchange-port", exchange_port)->group("");
  CLI11_PARSE(app, argc, argv);
  if (exchange_port != 0) return RunExchangeChild(exchange_port);
  if (!restart.dir.empty()) return RunRestartChild(restart);
  if (!takeover.dir.empty()) return RunTakeoverChild(takeover);

  std::ofstream json;
  if (!arguments.json.empty()) {
    json.open(arguments.json);
    if (!json) {
      std::fprintf(stderr, "bench: cannot write %s\n", arguments.json.c_str());
      return 2;
    }
  }
  const Status status = RunAll(arguments, json);
  if (status.ok()) return 0;
  std::fprintf(stderr, "bench: %s\n", status.ToString().c_str());
  return 1;
}

}  // namespace
}  // namespace trident::bench

int main(int argc, char** argv) { return trident::bench::Main(argc, argv); }
