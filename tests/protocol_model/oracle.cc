// SPDX-License-Identifier: Apache-2.0
#include "tests/protocol_model/oracle.h"

#include <algorithm>

#include "base/rng.h"
#include "base/status.h"

namespace trident::model {

uint32_t KeyOf(const Row& row) {
  return static_cast<uint32_t>(Mix64(row.source * 1000 + row.index) % kKeys);
}

uint32_t WorkerOf(const Row& row, size_t workers) {
  return static_cast<uint32_t>(KeyOf(row) % workers);
}

size_t SlotOf(const Row& row) { return row.diverted ? kKeys : KeyOf(row); }

uint64_t Fold(uint64_t value, const Row& row) {
  return Mix64(value * 31 + row.content + row.source * 7919 + row.index);
}

bool HasPoison(const Contents& contents, uint32_t worker, size_t workers) {
  for (const auto& [emitter, emission] : contents) {
    for (const auto& rows : emission->rows) {
      for (const Row& row : rows) {
        if (WorkerOf(row, workers) == worker && row.poison && !row.diverted) return true;
      }
    }
  }
  return false;
}

const SourceRange* RangeOfOneRow(const Contents& contents) {
  size_t rows_in_all = 0;
  const SourceRange* range = nullptr;
  for (const auto& [emitter, emission] : contents) {
    for (size_t i = 0; i < emission->rows.size(); ++i) {
      rows_in_all += emission->rows[i].size();
      if (!emission->rows[i].empty()) range = &emission->ranges[i];
    }
  }
  return rows_in_all == 1 ? range : nullptr;
}

uint64_t TransactionalContent(const Contents& contents, const GroupConfig& config) {
  uint64_t content = 0;
  for (const auto& [emitter, emission] : contents) {
    if (config.spouts[emitter.spout.value()].kind != SpoutKind::kTransactional) continue;
    for (const auto& rows : emission->rows) {
      for (const Row& row : rows) content = Fold(content, row);
    }
  }
  return content;
}

uint64_t Emission::diverted() const {
  uint64_t count = 0;
  for (const std::vector<Row>& range : rows) {
    for (const Row& row : range) count += row.diverted ? 1 : 0;
  }
  return count;
}

Oracle::Oracle(const Options& options)
    : options_(options), expected_(options.config.voters.size(), {State{}}) {}

void Oracle::Violation(const std::string& what) {
  if (violation_.empty()) violation_ = what;
}

void Oracle::OnBegin(TxId txid, Attempt attempt) {
  if (++begun_[{txid, attempt}] > 1) {
    Violation(
        Concat("I8: attempt ", ToString(attempt), " of txid ", txid.value(), " was started twice"));
  }
}

void Oracle::OnEmission(TxId txid, Attempt attempt, EmitterId emitter, const Emission& emission) {
  emissions_[{txid, attempt}][emitter] = emission;
}

const std::vector<Row>* Oracle::RowsOf(const DecisionRecord& record,
                                       const SourceRange& range) const {
  auto attempt = emissions_.find({record.txid, record.attempt});
  if (attempt == emissions_.end()) return nullptr;
  auto emitter = attempt->second.find(range.emitter);
  if (emitter == attempt->second.end()) return nullptr;
  const Emission& emission = emitter->second;
  auto it = std::find(emission.ranges.begin(), emission.ranges.end(), range);
  return it == emission.ranges.end() ? nullptr : &emission.rows[it - emission.ranges.begin()];
}

void Oracle::CheckRange(const DecisionRecord& record, const SourceRange& range) {
  std::string& at = positions_[{range.emitter.spout.value(), range.partition}];
  if (range.start != at) {
    Violation(Concat("I6: txid ", record.txid.value(), " takes ", range.partition, " from '",
                     range.start, "', but '", at, "' is decided"));
  }
  if (range.rows > 0 && std::stoull(range.end) <= (at.empty() ? 0 : std::stoull(at))) {
    Violation(Concat("I6: txid ", record.txid.value(), " goes back in ", range.partition));
  }
  at = range.end;
}

void Oracle::CheckRow(const DecisionRecord& record, const SourceRange& range, const Row& row) {
  if (row.poison && !row.diverted) {
    Violation(
        Concat("I1: a row that cannot be staged was committed in txid ", record.txid.value()));
  }
  // With other faults about, a row may have failed where no worker saw it. A row is known by the
  // place where its range starts: an opaque spout with blanks may have another one there next time.
  const uint32_t failures = failed_alone_[{range.partition, range.start}];
  const bool named = row.poison && options_.names_poison;
  if (row.diverted && !named && options_.undisturbed && failures <= options_.config.retry_limit) {
    Violation(Concat("I1: a row of txid ", record.txid.value(), " was given up after ", failures,
                     " failures"));
  }
}

void Oracle::OnDecision(const DecisionRecord& record) {
  if (record.txid != last_decided().Next()) {
    return Violation(
        Concat("I6: txid ", record.txid.value(), " was decided after ", last_decided().value()));
  }
  decided_.push_back(record.attempt);
  if (record.batch_time_micros < batch_time_micros_) {
    Violation(Concat("I6: batch time goes back at txid ", record.txid.value()));
  }
  batch_time_micros_ = record.batch_time_micros;
  for (auto& states : expected_) states.push_back(states.back());

  // The emitters' order, as the workers fold it.
  std::vector<SourceRange> ranges = record.ranges;
  std::stable_sort(ranges.begin(), ranges.end(),
                   [](const auto& a, const auto& b) { return a.emitter < b.emitter; });
  uint64_t rows = 0;
  uint64_t diverted = 0;
  for (const SourceRange& range : ranges) {
    CheckRange(record, range);
    const std::vector<Row>* content = RowsOf(record, range);
    if (content == nullptr) {
      return Violation(Concat("I6: txid ", record.txid.value(), " holds a range of ",
                              range.partition, " that attempt ", ToString(record.attempt),
                              " did not emit"));
    }
    for (const Row& row : *content) {
      uint64_t& value = expected_[WorkerOf(row, expected_.size())].back()[SlotOf(row)];
      value = Fold(value, row);
      diverted += row.diverted ? 1 : 0;
      CheckRow(record, range, row);
    }
    rows += content->size();
  }
  if (rows != record.rows || diverted != record.rows_diverted) {
    Violation(Concat("I1: the record of txid ", record.txid.value(), " counts ", record.rows,
                     " rows and ", record.rows_diverted, " diverted; there are ", rows, " and ",
                     diverted));
  }
  if (rows > options_.config.limits.rows) {
    Violation(Concat("I11: txid ", record.txid.value(), " holds ", rows, " rows"));
  }
  rows_diverted_ += diverted;
}

void Oracle::OnApplied(uint32_t worker, TxId txid, Attempt attempt, const State& state) {
  if (txid > last_decided() || decided_attempt(txid) != attempt) {
    return Violation(Concat("I8: worker ", worker, " applied attempt ", ToString(attempt),
                            " of txid ", txid.value(), ", which was not decided"));
  }
  if (state != expected_[worker][txid.value()]) {
    Violation(Concat("I2: worker ", worker, " has at txid ", txid.value(),
                     " a state that does not follow from the decisions"));
  }
}

void Oracle::OnTold(TxId txid, Attempt attempt) {
  if (txid > last_decided() || decided_attempt(txid) != attempt) {
    Violation(Concat("I5: success of txid ", txid.value(), " attempt ", ToString(attempt),
                     " was told, but it is not decided durably"));
  }
}

void Oracle::OnStagedOutside(uint32_t worker, TxId txid, uint64_t content) {
  auto [it, is_new] = staged_outside_.try_emplace({worker, txid}, content);
  if (!is_new && it->second != content) {
    Violation(Concat("I8: a transactional state of worker ", worker, " was given txid ",
                     txid.value(), " again with other rows"));
  }
}

}  // namespace trident::model
