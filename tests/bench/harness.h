// SPDX-License-Identifier: Apache-2.0
//
// What every benchmark is made of: sides that are measured in turn, medians, and the table of rows
// that is printed and written as JSON lines.
#ifndef TRIDENT_TESTS_BENCH_HARNESS_H_
#define TRIDENT_TESTS_BENCH_HARNESS_H_

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/status.h"

namespace trident::bench {

// CPU seconds of the whole process, all its threads, and wall seconds.
struct Usage {
  double cpu_s = 0;
  double wall_s = 0;
};

class Stopwatch {
 public:
  Stopwatch() : start_(Now()) {}
  Usage Elapsed() const;

 private:
  static Usage Now();
  const Usage start_;
};

double Median(std::vector<double> samples);
// The element below which the given part of the samples lies; 0 of none.
double Quantile(std::vector<double> samples, double quantile);

// What was measured of one thing: in each run one value, or one value altogether.
class Samples {
 public:
  Samples(double value) : values_{value} {}  // NOLINT(google-explicit-constructor)
  explicit Samples(std::vector<double> values) : values_(std::move(values)) {}
  double median() const { return Median(values_); }
  // The median of the runs' own ratios: on a machine whose speed changes from run to run both
  // sides of a run have met about the same one. Of different numbers of runs, that of the medians.
  // nullopt: `other` has a zero.
  std::optional<double> RatioTo(const Samples& other) const;
  // What each run has of what the same run of `other` has. REQUIRES: as many runs, none with a
  // zero.
  Samples Over(const Samples& other) const;

 private:
  std::vector<double> values_;
};

// What is compared with the goal.
struct Goal {
  enum class Kind : uint8_t { kNone, kRatioAtLeast, kRatioAtMost, kValueAtMost };
  Kind kind = Kind::kNone;
  double bound = 0;

  static Goal None() { return {}; }
  static Goal RatioAtLeast(double bound) { return {Kind::kRatioAtLeast, bound}; }
  static Goal RatioAtMost(double bound) { return {Kind::kRatioAtMost, bound}; }
  static Goal ValueAtMost(double bound) { return {Kind::kValueAtMost, bound}; }
};

// One line of the result. `metric` names the baseline too: "words per CPU second, of hand".
struct Row {
  std::string bench = {};
  std::string metric;
  Samples value = 0;
  std::string unit;
  std::optional<Samples> baseline = {};
  Goal goal = {};

  std::optional<double> Ratio() const;
  // nullopt: there is no goal.
  std::optional<bool> Met() const;
  std::string Json() const;
  std::string Text() const;
};

struct Settings {
  int runs = 5;
  // Sizes are multiplied by it; below 1 the figures mean little.
  double scale = 1;
  std::filesystem::path scratch;  // on a disk, for state directories

  uint64_t Scaled(uint64_t size) const;
};

// Where one benchmark runs and leaves its rows.
class Bench {
 public:
  using RowSink = std::function<void(const Row&)>;
  Bench(std::string name, Settings settings, RowSink sink)
      : name_(std::move(name)), settings_(std::move(settings)), sink_(std::move(sink)) {}

  const Settings& settings() const { return settings_; }
  // `row.bench` is filled in.
  void Add(Row row) const;

  // One way to do the work: does it once and says what is to be compared, in any unit.
  using Side = std::function<StatusOr<std::vector<double>>()>;
  // Runs all sides in turn, `runs` times. [side][figure].
  StatusOr<std::vector<std::vector<Samples>>> InTurn(const std::vector<Side>& sides) const;

 private:
  const std::string name_;
  const Settings settings_;
  const RowSink sink_;
};

// A directory that does not outlive it.
class ScratchDir {
 public:
  explicit ScratchDir(const Settings& settings);
  ~ScratchDir();
  ScratchDir(const ScratchDir&) = delete;
  ScratchDir& operator=(const ScratchDir&) = delete;
  std::string path() const { return path_.string(); }
  std::string File(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace trident::bench

#endif  // TRIDENT_TESTS_BENCH_HARNESS_H_
