// SPDX-License-Identifier: Apache-2.0
#include "tests/protocol_model/spout_task.h"

#include <algorithm>

#include "base/clock.h"
#include "base/rng.h"

namespace trident::model {

using word::EmitMode;

std::string SourceName(uint32_t source) { return "s" + std::to_string(source); }

std::string PositionOf(uint64_t index) { return index == 0 ? "" : std::to_string(index); }

uint64_t IndexOf(const std::string& position) {
  return position.empty() ? 0 : std::stoull(position);
}

SpoutTask::SpoutTask(SpoutSurroundings& world, EmitterId id, SpoutKind kind,
                     std::vector<uint32_t> sources)
    : world_(world), id_(id), kind_(kind), sources_(std::move(sources)) {}

void SpoutTask::Start(Predecessor predecessor) {
  if (predecessor == Predecessor::kEnds) lives_.clear();
  lives_.push_back({Incarnation(++lives_made_), {}});
  up_ = true;
  Announce();
}

void SpoutTask::Crash() {
  up_ = false;
  lives_.clear();
}

void SpoutTask::Announce() {
  if (!up_) return;
  world_.SendToCoordinators(word::EmitterStarted{id_, incarnation()});
  const auto has_input = [&](uint32_t source) { return Available(source) > 0; };
  if (std::any_of(sources_.begin(), sources_.end(), has_input)) {
    world_.SendToCoordinators(word::InputReady{id_, incarnation()});
  }
}

void SpoutTask::OnEmit(const word::Emit& emit) {
  for (Life& life : lives_) {
    if (life.incarnation == emit.incarnation) AnswerTo(life, emit);
  }
}

void SpoutTask::AnswerTo(Life& life, const word::Emit& emit) {
  auto [it, is_new] = life.answers.try_emplace({emit.id.txid, emit.id.attempt});
  Answer& answer = it->second;
  if (is_new) {
    answer.emission = std::make_shared<const Emission>(Read(emit));
    answer.emitted = {
        emit.id,
        id_,
        life.incarnation,
        answer.emission->ranges,
        HasMore(emit, *answer.emission) ? word::Remaining::kMore : word::Remaining::kExhausted,
        answer.emission->diverted()};
    world_.oracle().OnEmission(emit.id.txid, emit.id.attempt, id_, *answer.emission);
  }
  world_.SendData(emit.id, id_, answer.emission);
  world_.SendToCoordinators(answer.emitted);
}

Emission SpoutTask::Read(const word::Emit& emit) const {
  Emission emission;
  if (emit.mode == EmitMode::kExact) {
    for (const SourceRange& range : emit.exact) {
      const uint32_t source = static_cast<uint32_t>(std::stoul(range.partition.substr(1)));
      const uint64_t start = IndexOf(range.start);
      Add(emission, source, start, Take(source, start, IndexOf(range.end), UINT64_MAX, false));
    }
    return emission;
  }
  const bool one_row = emit.mode != EmitMode::kNew;
  uint64_t left = emit.limits.rows;
  for (size_t i = 0; i < sources_.size() && left > 0; ++i) {
    const uint32_t source = sources_[(i + emit.id.txid.value()) % sources_.size()];
    const auto start =
        std::find_if(emit.starts.begin(), emit.starts.end(),
                     [&](const SourcePosition& at) { return at.partition == SourceName(source); });
    if (one_row && start == emit.starts.end()) continue;
    uint64_t from = start == emit.starts.end() ? 0 : IndexOf(start->position);
    Timeline& time = world_.time();
    if (time.faulty() && time.rng().Chance(world_.options().forgets)) from = 0;
    Taken taken = Take(source, from, Available(source), left, emit.mode == EmitMode::kDivert);
    left -= taken.rows.size();
    Add(emission, source, from, std::move(taken));
  }
  return emission;
}

SpoutTask::Taken SpoutTask::Take(uint32_t source, uint64_t start, uint64_t end, uint64_t rows,
                                 bool divert) const {
  const Options& options = world_.options();
  Taken taken{start, {}};
  while (taken.end < end && taken.rows.size() < rows) {
    const uint64_t index = taken.end++;
    const bool poison = source == 0 && options.poison_rows > 0 &&
                        index % (options.rows_per_source / options.poison_rows) == 3;
    const uint64_t fixed = Mix64(options.seed ^ (uint64_t{source} << 32 | index));
    const uint64_t content = kind_ == SpoutKind::kOpaque ? world_.time().rng()() : fixed;
    if (!poison && static_cast<double>(content % 1000) < options.blank_rows * 1000) continue;
    const bool aside = poison && options.names_poison;
    taken.rows.push_back({source, index, content, poison, divert || aside});
  }
  return taken;
}

void SpoutTask::Add(Emission& emission, uint32_t source, uint64_t start, Taken taken) const {
  if (taken.end == start) return;
  SourceRange range;
  range.emitter = id_;
  range.partition = SourceName(source);
  range.start = PositionOf(start);
  range.end = PositionOf(taken.end);
  range.rows = taken.rows.size();
  for (const Row& row : taken.rows) range.checksum = Fold(range.checksum, row);
  emission.ranges.push_back(std::move(range));
  emission.rows.push_back(std::move(taken.rows));
}

uint64_t SpoutTask::Available(uint32_t) const {
  const Options& options = world_.options();
  const Nanos now = world_.time().now();
  if (now >= options.input_lasts) return options.rows_per_source;
  return options.rows_per_source * static_cast<uint64_t>(now) /
         static_cast<uint64_t>(options.input_lasts);
}

bool SpoutTask::HasMore(const word::Emit& emit, const Emission& emission) const {
  for (uint32_t source : sources_) {
    uint64_t at = 0;
    for (const SourcePosition& start : emit.starts) {
      if (start.partition == SourceName(source)) at = IndexOf(start.position);
    }
    for (const SourceRange& range : emission.ranges) {
      if (range.partition == SourceName(source)) at = IndexOf(range.end);
    }
    if (at < Available(source)) return true;
  }
  return false;
}

}  // namespace trident::model
