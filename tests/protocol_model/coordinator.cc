// SPDX-License-Identifier: Apache-2.0
#include "tests/protocol_model/coordinator.h"

#include <algorithm>

#include "base/check.h"
#include "base/clock.h"
#include "tests/protocol_model/spout_task.h"
#include "tests/protocol_model/worker.h"
#include "tests/protocol_model/world.h"

namespace trident::model {

Coordinator::Coordinator(World& world, const Recovered& recovered,
                         const std::optional<EarlierDeaths>& deaths)
    : world_(world), epoch_(recovered.epoch) {
  GroupConfig config = world_.options().config;
  config.deaths = deaths;
  auto made = BatchProtocol::Create(std::move(config), recovered);
  TRIDENT_CHECK(made.ok()) << made.status().ToString();
  protocol_ = std::move(*made);
  witness_ = std::make_unique<Witness>(world, recovered, deaths);
}

void Coordinator::Deliver(const BatchEvent& event) {
  if (!alive_) return;
  actions_.clear();
  protocol_->Step(event, actions_);
  Outcome& outcome = world_.outcome();
  ++outcome.steps;
  outcome.digest = Mix64(outcome.digest ^ (event.index() << 32) ^ actions_.size());
  witness_->OnStep(event, actions_);
  // Performing an action never delivers an event at once, so the actions stay as they are.
  for (const BatchAction& action : actions_) {
    outcome.digest = Mix64(outcome.digest ^ action.index());
    std::visit([&](const auto& a) { Perform(a); }, action);
  }
}

void Coordinator::Perform(const word::Begin& action) {
  ++world_.outcome().attempts;
  world_.oracle().OnBegin(action.id.txid, action.id.attempt);
  for (auto& worker : world_.workers()) {
    world_.time().Send([to = worker.get(), action] { to->OnBegin(action); });
  }
}

void Coordinator::Perform(const word::Emit& action) {
  for (auto& task : world_.spout_tasks()) {
    if (task->id() != action.emitter) continue;
    world_.time().Send([to = task.get(), action] { to->OnEmit(action); });
  }
}

template <class Write, class Tell>
void Coordinator::WriteLater(Write write, Tell tell) {
  Timeline& time = world_.time();
  time.After(time.Delay(), [this, write, tell] {
    Timeline& time = world_.time();
    const bool unknown = time.faulty() && time.rng().Chance(world_.options().write_unknown);
    Status status = unknown && time.rng().Chance(0.5) ? absl::OkStatus() : write();
    if (unknown) status = Internal("the disk failed in the middle");
    time.After(time.Delay(), [tell, status] { tell(status); });
  });
}

void Coordinator::Perform(const batch_action::LogCut& action) {
  WriteLater(
      [this, action] { return world_.store().LogCut(epoch_, action.id.txid, action.ranges); },
      [this, action](const Status& status) {
        Deliver(batch_event::CutLogged{action.id, status});
      });
}

void Coordinator::Perform(const word::Permit& action) {
  for (auto& worker : world_.workers()) {
    world_.time().Send([to = worker.get(), action] { to->OnPermit(action); });
  }
}

void Coordinator::Perform(const batch_action::Decide& action) {
  WriteLater([this, action] { return world_.store().Decide(epoch_, action.records); },
             [this, action](const Status& status) {
               Deliver(batch_event::DecisionWritten{action.records.front().txid,
                                                    action.records.back().txid, status});
             });
}

void Coordinator::Perform(const word::Apply& action) {
  world_.oracle().OnTold(action.id.txid, action.id.attempt);
  for (auto& worker : world_.workers()) {
    world_.time().Send(
        [to = worker.get(), action] { to->OnApply(action.id.txid, action.id.attempt); });
  }
}

void Coordinator::Perform(const word::Abort& action) {
  for (auto& worker : world_.workers()) {
    world_.time().Send([to = worker.get(), action] { to->OnAbort(action); });
  }
}

void Coordinator::Perform(const batch_action::Stale&) { ++world_.outcome().stale; }

void Coordinator::Perform(const batch_action::Halt& action) { world_.OnHalt(*this, action.cause); }

void Coordinator::Perform(const batch_action::Drained&) {}

void Coordinator::Perform(const batch_action::SetTimer& action) {
  Timeline& time = world_.time();
  time.After(std::max<Nanos>(action.at - time.now(), 0), [this, number = ++timer_] {
    if (number == timer_) Deliver(batch_event::Tick{world_.time().now()});
  });
}

}  // namespace trident::model
