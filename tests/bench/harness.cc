// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/harness.h"

#include <stdlib.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include "base/check.h"

namespace trident::bench {
namespace {

double Seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

std::string Number(double x) {
  char text[32];
  std::snprintf(text, sizeof text, std::abs(x) >= 1000 ? "%.0f" : "%.4g", x);
  return text;
}

std::optional<double> MedianOf(const std::optional<Samples>& samples) {
  return samples ? std::optional(samples->median()) : std::nullopt;
}

std::string NumberOrNull(std::optional<double> x) { return x ? Number(*x) : "null"; }

std::string GoalText(const Goal& goal) {
  switch (goal.kind) {
    case Goal::Kind::kNone:
      return "";
    case Goal::Kind::kRatioAtLeast:
      return Concat("ratio >= ", Number(goal.bound));
    case Goal::Kind::kRatioAtMost:
      return Concat("ratio <= ", Number(goal.bound));
    case Goal::Kind::kValueAtMost:
      return Concat("value <= ", Number(goal.bound));
  }
  return "";
}

}  // namespace

Usage Stopwatch::Now() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  return {Seconds(used.ru_utime) + Seconds(used.ru_stime),
          static_cast<double>(RealClock().MonotonicNanos()) / kSecond};
}

Usage Stopwatch::Elapsed() const {
  const Usage now = Now();
  return {now.cpu_s - start_.cpu_s, now.wall_s - start_.wall_s};
}

double Quantile(std::vector<double> samples, double quantile) {
  if (samples.empty()) return 0;
  std::sort(samples.begin(), samples.end());
  return samples[static_cast<size_t>(quantile * static_cast<double>(samples.size() - 1))];
}

double Median(std::vector<double> samples) { return Quantile(std::move(samples), 0.5); }

Samples Samples::Over(const Samples& other) const {
  TRIDENT_CHECK_EQ(values_.size(), other.values_.size());
  std::vector<double> ratios;
  for (size_t i = 0; i < values_.size(); ++i) ratios.push_back(values_[i] / other.values_[i]);
  return Samples(std::move(ratios));
}

std::optional<double> Samples::RatioTo(const Samples& other) const {
  std::vector<double> ratios;
  if (values_.size() == other.values_.size()) {
    for (size_t run = 0; run < values_.size(); ++run) {
      if (other.values_[run] == 0) return std::nullopt;
      ratios.push_back(values_[run] / other.values_[run]);
    }
  } else if (other.median() != 0) {
    ratios.push_back(median() / other.median());
  }
  if (ratios.empty()) return std::nullopt;
  return Median(std::move(ratios));
}

std::optional<double> Row::Ratio() const {
  return baseline ? value.RatioTo(*baseline) : std::nullopt;
}

std::optional<bool> Row::Met() const {
  switch (goal.kind) {
    case Goal::Kind::kNone:
      return std::nullopt;
    case Goal::Kind::kValueAtMost:
      return value.median() <= goal.bound;
    case Goal::Kind::kRatioAtLeast:
      return Ratio().has_value() && *Ratio() >= goal.bound;
    case Goal::Kind::kRatioAtMost:
      return Ratio().has_value() && *Ratio() <= goal.bound;
  }
  return std::nullopt;
}

std::string Row::Json() const {
  const std::string goal_json =
      goal.kind == Goal::Kind::kNone ? "null" : Concat('"', GoalText(goal), '"');
  const char* met = !Met() ? "null" : *Met() ? "true" : "false";
  return Concat(
      "{\"bench\":\"", bench, "\",\"metric\":\"", metric, "\",\"value\":", Number(value.median()),
      ",\"unit\":\"", unit, "\",\"baseline\":", NumberOrNull(MedianOf(baseline)),
      ",\"ratio\":", NumberOrNull(Ratio()), ",\"goal\":", goal_json, ",\"met\":", met, "}");
}

std::string Row::Text() const {
  const auto shown = [](std::optional<double> x) { return x ? Number(*x) : std::string("-"); };
  const char* met = !Met() ? "" : *Met() ? "met" : "MISSED";
  char line[256];
  std::snprintf(line, sizeof line, "%-17s %-46s %12s %-7s %12s %8s  %-14s %s", bench.c_str(),
                metric.c_str(), Number(value.median()).c_str(), unit.c_str(),
                shown(MedianOf(baseline)).c_str(), shown(Ratio()).c_str(), GoalText(goal).c_str(),
                met);
  return line;
}

uint64_t Settings::Scaled(uint64_t size) const {
  return std::max<uint64_t>(1, static_cast<uint64_t>(static_cast<double>(size) * scale));
}

void Bench::Add(Row row) const {
  row.bench = name_;
  sink_(row);
}

StatusOr<std::vector<std::vector<Samples>>> Bench::InTurn(const std::vector<Side>& sides) const {
  std::vector<std::vector<std::vector<double>>> values(sides.size());  // [side][figure][run]
  for (int run = 0; run < settings_.runs; ++run) {
    for (size_t side = 0; side < sides.size(); ++side) {
      TRIDENT_ASSIGN_OR_RETURN(const std::vector<double> figures, sides[side]());
      values[side].resize(figures.size());
      for (size_t i = 0; i < figures.size(); ++i) values[side][i].push_back(figures[i]);
    }
  }
  std::vector<std::vector<Samples>> samples(sides.size());
  for (size_t side = 0; side < sides.size(); ++side) {
    for (std::vector<double>& runs : values[side]) samples[side].emplace_back(std::move(runs));
  }
  return samples;
}

ScratchDir::ScratchDir(const Settings& settings) {
  std::filesystem::create_directories(settings.scratch);
  std::string name = (settings.scratch / "bench_XXXXXX").string();
  TRIDENT_CHECK(mkdtemp(name.data()) != nullptr);
  path_ = name;
}

ScratchDir::~ScratchDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace trident::bench
