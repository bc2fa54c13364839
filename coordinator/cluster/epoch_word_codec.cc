// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cluster/epoch_word_codec.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/cluster/part_codec.h"

namespace trident {
namespace {

// "`field`[`index`]", as errors name one of many.
std::string OneOf(std::string_view field, int index) { return Concat(field, '[', index, ']'); }

// ---- the log ----

void WritePart(const LogReport& in, wire::Log* out) {
  out->set_after(in.after.value());
  for (const SpoutPosition& position : in.positions) {
    wire::Position* added = out->add_positions();
    Write(position.at, added);
    added->set_spout(position.spout.value());
  }
  out->set_batch_time_micros(in.batch_time_micros);
  for (const LoggedCut& cut : in.cuts) {
    wire::Log::Logged* added = out->add_cuts();
    added->set_txid(cut.txid.value());
    WriteAll(cut.ranges, added->mutable_ranges());
  }
}

StatusOr<LogReport> ReadPart(const wire::Log& in) {
  LogReport out;
  out.after = TxId(in.after());
  out.positions.reserve(static_cast<size_t>(in.positions_size()));
  for (const wire::Position& position : in.positions()) {
    out.positions.push_back({SpoutId(position.spout()), Read(position)});
  }
  out.batch_time_micros = in.batch_time_micros();
  for (int i = 0; i < in.cuts_size(); ++i) {
    const wire::Log::Logged& cut = in.cuts(i);
    if (cut.txid() == 0) {
      return InvalidArgument(OneOf("cuts", i), ": expected a txid of at least 1, found 0");
    }
    out.cuts.push_back({TxId(cut.txid()), ReadAll<SourceRange>(cut.ranges())});
  }
  return out;
}

// ---- how a life ended ----

void WritePart(const LastLife& in, wire::LastLife* out) {
  out->set_epoch(in.epoch.value());
  out->set_last_decided(in.process.last_decided.value());
  out->set_cut_is_logged(in.process.cut_is_logged);
  for (const std::string& step : in.process.steps) out->add_steps(step);
  if (in.process.the_row) {
    Write(in.process.the_row->at, out->mutable_row());
    out->mutable_row()->set_spout(in.process.the_row->emitter.spout.value());
    out->mutable_row()->set_task(in.process.the_row->emitter.task);
  }
  out->set_cause(in.process.cause);
}

LastLife ReadPart(const wire::LastLife& in) {
  LastLife out;
  out.epoch = Epoch(in.epoch());
  out.process.last_decided = TxId(in.last_decided());
  out.process.cut_is_logged = in.cut_is_logged();
  out.process.steps.assign(in.steps().begin(), in.steps().end());
  if (in.has_row()) {
    out.process.the_row = RowPlace{{SpoutId(in.row().spout()), in.row().task()}, Read(in.row())};
  }
  out.process.cause = in.cause();
  return out;
}

// ---- records ----

void WritePart(const PreparedRecord& in, wire::Record* out) {
  out->set_txid(in.txid.value());
  Write(in.attempt, out->mutable_attempt());
  Write(in.previous, out->mutable_previous());
  out->set_rows(in.rows);
  out->set_checksum(in.checksum);
  if (in.cut != nullptr) Write(*in.cut, out->mutable_cut());
}

StatusOr<PreparedRecord> ReadPart(const wire::Record& in) {
  if (in.txid() == 0) return InvalidArgument("txid: expected at least 1, found 0");
  if (!in.has_attempt()) return MissingPart("attempt", "number");
  PreparedRecord out;
  out.txid = TxId(in.txid());
  out.attempt = Read(in.attempt());
  out.previous = Read(in.previous());
  out.rows = in.rows();
  out.checksum = in.checksum();
  if (in.has_cut()) out.cut = std::make_shared<const BatchCut>(Read(in.cut()));
  return out;
}

void WritePart(const GroupReport& in, wire::Promised::Group* out) {
  out->set_group(in.group.value());
  out->set_known(in.known.value());
  Write(in.known_attempt, out->mutable_known_attempt());
  for (const PreparedRecord& record : in.records) WritePart(record, out->add_records());
  if (in.log) WritePart(*in.log, out->mutable_log());
  if (in.last_life) WritePart(*in.last_life, out->mutable_last_life());
}

StatusOr<GroupReport> ReadPart(const wire::Promised::Group& in) {
  GroupReport out;
  out.group = GroupId(in.group());
  out.known = TxId(in.known());
  out.known_attempt = Read(in.known_attempt());
  for (int i = 0; i < in.records_size(); ++i) {
    auto record = ReadPart(in.records(i));
    if (!record.ok()) return Annotate(record.status(), OneOf("records", i));
    out.records.push_back(*std::move(record));
  }
  if (in.has_log()) {
    auto log = ReadPart(in.log());
    if (!log.ok()) return Annotate(log.status(), "log");
    out.log = *std::move(log);
  }
  if (in.has_last_life()) out.last_life = ReadPart(in.last_life());
  return out;
}

}  // namespace

// ---- from a leader ----

void WriteTo(wire::LeaderWord* out, const Welcome& in) {
  wire::Welcome* welcome = out->mutable_welcome();
  for (const Welcome::Worker& worker : in.workers) {
    wire::Welcome::Worker* added = welcome->add_workers();
    added->set_worker(worker.worker.value());
    added->set_incarnation(worker.incarnation.value());
    added->set_exchange_address(worker.exchange_address);
  }
  for (const Welcome::Spout& spout : in.spouts) {
    wire::Welcome::Spout* added = welcome->add_spouts();
    added->set_spout(spout.spout.value());
    for (const std::string& partition : spout.partitions) added->add_partitions(partition);
  }
}

Welcome Read(const wire::Welcome& in, Epoch epoch) {
  Welcome out;
  out.epoch = epoch;
  for (const wire::Welcome::Worker& worker : in.workers()) {
    out.workers.push_back(
        {WorkerId(worker.worker()), Incarnation(worker.incarnation()), worker.exchange_address()});
  }
  for (const wire::Welcome::Spout& spout : in.spouts()) {
    out.spouts.push_back(
        {SpoutId(spout.spout()), {spout.partitions().begin(), spout.partitions().end()}});
  }
  return out;
}

void WriteTo(wire::LeaderWord* out, const word::PromiseAsked&) { out->mutable_promise_asked(); }

void WriteTo(wire::LeaderWord* out, const word::WriteLog& in) {
  wire::WriteLog* write = out->mutable_write_log();
  for (const GroupLog& group : in.groups) {
    wire::WriteLog::Group* added = write->add_groups();
    added->set_group(group.group.value());
    WritePart(group.log, added->mutable_log());
  }
}

StatusOr<word::WriteLog> Read(const wire::WriteLog& in, Epoch epoch) {
  word::WriteLog out{.epoch = epoch, .groups = {}};
  for (int i = 0; i < in.groups_size(); ++i) {
    const wire::WriteLog::Group& group = in.groups(i);
    if (!group.has_log()) return MissingPart(OneOf("groups", i) + ": log", "log");
    auto log = ReadPart(group.log());
    if (!log.ok()) return Annotate(log.status(), OneOf("groups", i) + ": log");
    out.groups.push_back({GroupId(group.group()), *std::move(log)});
  }
  return out;
}

void WriteTo(wire::LeaderWord* out, const word::Settled& in) {
  wire::Settled* settled = out->mutable_settled();
  for (const GroupSettlement& group : in.groups) {
    wire::Settled::Group* added = settled->add_groups();
    added->set_group(group.group.value());
    added->set_decided(group.decided.value());
    WriteAll(group.attempts, added->mutable_attempts());
  }
}

word::Settled Read(const wire::Settled& in, Epoch epoch) {
  word::Settled out{.epoch = epoch, .groups = {}};
  for (const wire::Settled::Group& group : in.groups()) {
    out.groups.push_back(
        {GroupId(group.group()), TxId(group.decided()), ReadAll<Attempt>(group.attempts())});
  }
  return out;
}

void WriteTo(wire::LeaderWord* out, const word::LeaseRound& in) { out->set_lease_round(in.round); }

void WriteTo(wire::LeaderWord* out, const Farewell&) { out->set_farewell(true); }

// ---- from a worker ----

void WriteTo(wire::WorkerWord* out, const word::Promised& in) {
  wire::Promised* promised = out->mutable_promised();
  WriteLife(in.worker, in.incarnation, promised->mutable_life());
  for (const GroupReport& group : in.groups) WritePart(group, promised->add_groups());
}

StatusOr<word::Promised> Read(const wire::Promised& in, Epoch epoch) {
  word::Promised out;
  out.epoch = epoch;
  TRIDENT_RETURN_IF_ERROR(ReadLife(in, out));
  for (int i = 0; i < in.groups_size(); ++i) {
    auto group = ReadPart(in.groups(i));
    if (!group.ok()) return Annotate(group.status(), OneOf("groups", i));
    out.groups.push_back(*std::move(group));
  }
  return out;
}

void WriteTo(wire::WorkerWord* out, const word::LogWritten& in) {
  WriteLife(in.worker, in.incarnation, out->mutable_log_written());
}

word::LogWritten ReadLogWritten(const wire::Life& in, Epoch epoch) {
  return {epoch, WorkerId(in.worker()), Incarnation(in.incarnation())};
}

void WriteTo(wire::WorkerWord* out, const word::Refused& in) {
  wire::Refused* refused = out->mutable_refused();
  WriteLife(in.worker, in.incarnation, refused->mutable_life());
  refused->set_promised(in.promised.value());
}

StatusOr<word::Refused> Read(const wire::Refused& in, Epoch epoch) {
  word::Refused out;
  out.epoch = epoch;
  TRIDENT_RETURN_IF_ERROR(ReadLife(in, out));
  out.promised = Epoch(in.promised());
  return out;
}

void WriteTo(wire::WorkerWord* out, const word::LeaseAcknowledged& in) {
  wire::LeaseAcknowledged* acknowledged = out->mutable_lease_acknowledged();
  acknowledged->set_worker(in.worker.value());
  acknowledged->set_round(in.round);
}

word::LeaseAcknowledged Read(const wire::LeaseAcknowledged& in, Epoch epoch) {
  return {epoch, in.round(), WorkerId(in.worker())};
}

}  // namespace trident
