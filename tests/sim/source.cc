// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/source.h"

#include <algorithm>

#include "base/clock.h"
#include "engine/data/text_arena.h"

namespace trident::sim {
namespace {

constexpr Nanos kPollEvery = kMillisecond;

SchemaRef RowSchema() {
  static const SchemaRef* const schema =
      new SchemaRef(std::make_shared<const Schema>(*Schema::Make({kRow.Describe()})));
  return *schema;
}

Slice BatchOf(const std::vector<std::string>& rows) {
  auto column = std::make_shared<ColumnOf<Text>>();
  TextArena arena;
  for (const std::string& row : rows) column->Append(arena.Copy(row));
  column->Retain(arena.Release());
  return Slice(RowSchema(), {column}, rows.size());
}

double Share(uint64_t draw) { return static_cast<double>(draw >> 11) * 0x1.0p-53; }

}  // namespace

class SimReader final : public SourceReader {
 public:
  SimReader(Trial& trial, Source& source, uint32_t partition)
      : trial_(trial), source_(source), partition_(partition) {}

  StatusOr<ReadResult> Read(const ReadRequest& request, Output& out) override {
    if (trial_.Strikes(trial_.options.read_fails)) return Unavailable("the source did not answer");
    const uint64_t start = Source::IndexOf(request.start);
    const uint64_t available = source_.Available(partition_);
    uint64_t count = std::min(request.limits.rows, available - std::min(start, available));
    if (count > 1 && trial_.Disturbs(trial_.options.short_reads)) {
      count = 1 + trial_.rng.Below(count);
    }
    std::vector<std::string> rows;
    ReadResult result;
    result.end = source_.Take(partition_, request.start, count, rows);
    result.rows = rows.size();
    for (const std::string& row : rows) result.bytes += row.size();
    result.next = NextAfter(start + count);
    TRIDENT_RETURN_IF_ERROR(out.Emit(BatchOf(rows)));
    return result;
  }

  StatusOr<Availability> Poll(const Position& position) override {
    const uint64_t at = Source::IndexOf(position);
    if (at < source_.Available(partition_)) return Availability{Availability::State::kReady, 0};
    if (at >= trial_.options.rows_per_partition)
      return Availability{Availability::State::kEnded, 0};
    return Availability{Availability::State::kIdle, kPollEvery};
  }

 private:
  ReadResult::Next NextAfter(uint64_t at) {
    if (at >= trial_.options.rows_per_partition) return ReadResult::Next::kEnded;
    if (at >= source_.Available(partition_)) return ReadResult::Next::kIdle;
    return trial_.Disturbs(0.1) ? ReadResult::Next::kCut : ReadResult::Next::kMore;
  }

  Trial& trial_;
  Source& source_;
  const uint32_t partition_;
};

namespace {

class SimSpout final : public Spout {
 public:
  using OpenReaderOf = std::function<std::unique_ptr<SourceReader>(uint32_t, WakeUp)>;
  SimSpout(const Options& options, OpenReaderOf open) : options_(options), open_(std::move(open)) {}

  SpoutKind kind() const override { return options_.spout; }
  const SchemaRef& schema() const override { return schema_; }
  StatusOr<std::vector<std::string>> Partitions() override {
    std::vector<std::string> names;
    for (uint32_t p = 0; p < options_.source_partitions; ++p) names.push_back(std::to_string(p));
    return names;
  }
  StatusOr<std::unique_ptr<SourceReader>> OpenReader(const std::string& partition,
                                                     WakeUp wake_up) override {
    return open_(static_cast<uint32_t>(std::stoul(partition)), std::move(wake_up));
  }
  std::string Describe() const override { return "simulated"; }

 private:
  const Options& options_;
  const OpenReaderOf open_;
  const SchemaRef schema_ = RowSchema();
};

}  // namespace

Source::Source(Trial& trial, uint64_t number, RowMaker make)
    : trial_(trial), seed_(Mix64(trial.options.seed) + number), make_(std::move(make)) {}

std::shared_ptr<Spout> Source::OpenSpout() {
  return std::make_shared<SimSpout>(trial_.options, [this](uint32_t partition, WakeUp wake_up) {
    AddWakeUp(std::move(wake_up));
    return std::make_unique<SimReader>(trial_, *this, partition);
  });
}

void Source::WakeReaders() {
  for (const WakeUp& wake_up : wake_ups_) wake_up();
}

uint64_t Source::IndexOf(const Position& position) {
  return position.empty() ? 0 : std::stoull(position);
}

uint64_t Source::Available(uint32_t partition) const {
  const Options& options = trial_.options;
  const Nanos passed =
      trial_.clock.MonotonicNanos() - kSecond - static_cast<Nanos>(partition) * 100;
  if (passed >= options.input_lasts) return options.rows_per_partition;
  if (passed <= 0) return 0;
  return options.rows_per_partition * static_cast<uint64_t>(passed) /
         static_cast<uint64_t>(options.input_lasts);
}

std::optional<std::string> Source::RowAt(uint32_t partition, uint64_t index,
                                         uint64_t reading) const {
  const uint64_t own = Mix64(Mix64(seed_ + partition) ^ index);
  const uint64_t draw = Mix64(own + reading);
  if (Share(Mix64(draw ^ 1)) < trial_.options.blank_rows) return std::nullopt;
  std::string row = make_({partition, index, draw});
  // Whoever reads it: the same place is poisoned every time.
  if (Share(Mix64(own ^ 2)) < trial_.options.poison_rows) row.push_back(kPoison);
  return row;
}

Position Source::Take(uint32_t partition, const Position& start, uint64_t count,
                      std::vector<std::string>& rows) {
  const bool opaque = trial_.options.spout == SpoutKind::kOpaque;
  const uint64_t reading = opaque ? readings_.size() : 0;
  const uint64_t first = IndexOf(start);
  for (uint64_t i = 0; i < count; ++i) {
    if (auto row = RowAt(partition, first + i, reading)) rows.push_back(std::move(*row));
  }
  if (!opaque) return std::to_string(first + count);
  if (count == 0) return start;
  readings_.push_back({partition, start, rows});
  return std::to_string(first + count) + ":" + std::to_string(reading);
}

StatusOr<std::vector<std::string>> Source::RowsOf(uint32_t partition, const Position& start,
                                                  const Position& end) const {
  std::vector<std::string> rows;
  if (trial_.options.spout == SpoutKind::kTransactional) {
    for (uint64_t i = IndexOf(start); i < IndexOf(end); ++i) {
      if (auto row = RowAt(partition, i, 0)) rows.push_back(std::move(*row));
    }
    return rows;
  }
  std::vector<const Reading*> chain;
  for (Position at = end; at != start; at = chain.back()->from) {
    const size_t colon = at.find(':');
    if (colon == Position::npos) return NotFound("no reading led from \"", start, "\" to ", end);
    const Reading& reading = readings_.at(std::stoull(at.substr(colon + 1)));
    if (reading.partition != partition) return NotFound("a reading of another partition: ", at);
    chain.push_back(&reading);
  }
  for (auto reading = chain.rbegin(); reading != chain.rend(); ++reading) {
    rows.insert(rows.end(), (*reading)->rows.begin(), (*reading)->rows.end());
  }
  return rows;
}

}  // namespace trident::sim
