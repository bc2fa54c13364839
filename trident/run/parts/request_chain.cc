// SPDX-License-Identifier: Apache-2.0
#include "trident/run/parts/request_chain.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "trident/plan/snapshot_cut.h"

namespace trident {

namespace {

// Told by the start after this process, should one of them end it.
std::string SizesOf(std::span<const DrpcRequest> requests) {
  size_t least = SIZE_MAX, most = 0;
  for (const DrpcRequest& request : requests) {
    least = std::min(least, request.args.size());
    most = std::max(most, request.args.size());
  }
  if (requests.size() == 1) return Concat("a request with an argument of ", most, " bytes");
  return Concat(requests.size(), " requests with arguments of ", least, " to ", most, " bytes");
}

// How often the cut of a batch of requests is taken, where states are in other processes.
constexpr int kTriesMax = 5;

}  // namespace

// The end of the chain: rows by request.
class RequestChain::Answers final : public Operator {
 public:
  void Begin(const BatchContext& context) override {
    rows_.clear();
    rows_.resize(context.requests);
  }
  Status Process(const Slice& slice, Output& /*out*/) override {
    size_t request_field = *slice.schema().IndexOf(kRequestFieldName);
    std::span<const int64_t> requests = As<int64_t>(slice.column(request_field)).values();
    for (size_t i = 0; i < slice.rows(); ++i) {
      uint32_t at = slice.RowAt(i);
      std::vector<Datum> row;
      row.reserve(slice.columns().size() - 1);
      for (size_t field = 0; field < slice.columns().size(); ++field) {
        if (field != request_field) row.push_back(slice.column(field).At(at));
      }
      rows_[static_cast<size_t>(requests[at])].push_back(std::move(row));
    }
    return absl::OkStatus();
  }
  std::vector<std::vector<Datum>> Take(size_t request) { return std::move(rows_[request]); }

 private:
  std::vector<std::vector<std::vector<Datum>>> rows_;
};

RequestChain::RequestChain(const Plan& plan, const PlannedFunction& function,
                           const StateCatalog& states, SideMarks* marks)
    : plan_(plan),
      function_(function),
      states_(states),
      marks_(marks),
      groups_(function.groups),
      input_(std::make_shared<const Schema>(plan.schemas[function.nodes[0]])) {
  auto fields = std::make_shared<std::vector<std::string>>();
  for (const SchemaField& field : plan.schemas[function.result].fields()) {
    if (field.name != kRequestFieldName) fields->push_back(field.name);
  }
  fields_ = std::move(fields);
  auto answers = std::make_unique<Answers>();
  answers_ = answers.get();
  chain_ = MakeFunctionChain(plan, function, std::move(answers));
  chain_->AskBetweenSteps([this]() -> Status {
    given_up_ = NobodyWaits(requests_, RealClock().MonotonicNanos());
    if (!given_up_) return absl::OkStatus();
    return absl::CancelledError(
        "the request was given up between two steps of its function: its caller is gone, its time "
        "is over, or the topology is stopping");
  });
}

RequestChain::~RequestChain() = default;

Status RequestChain::RunBatch(std::span<const DrpcRequest> requests, TxId* cut_txid) {
  auto cut = std::make_shared<SnapshotCut>();
  for (GroupId group : groups_) {
    TRIDENT_ASSIGN_OR_RETURN(Snapshot snapshot, states_.Pin(group, ReadAt::Latest()));
    if (*cut_txid == TxId()) *cut_txid = snapshot.txid();
    cut->Add(std::move(snapshot));
  }
  BatchContext context;
  context.id = {GroupId(0), TxId(++batches_), Attempt{}};
  context.requests = static_cast<uint32_t>(requests.size());
  context.cut = std::move(cut);
  chain_->Begin(context);

  std::vector<ColumnRef> columns;
  auto numbers = std::make_shared<ColumnOf<int64_t>>();
  auto args = std::make_shared<ColumnOf<Text>>();
  for (size_t i = 0; i < requests.size(); ++i) {
    numbers->Append(static_cast<int64_t>(i));
    args->Append(requests[i].args);
  }
  columns.push_back(std::move(numbers));
  columns.push_back(std::move(args));
  TRIDENT_RETURN_IF_ERROR(chain_->Process(0, Slice(input_, std::move(columns), requests.size())));
  return chain_->FinishProcess();
}

std::unique_ptr<RequestHandler> RequestChain::Another() const {
  return std::make_unique<RequestChain>(plan_, function_, states_, marks_);
}

void RequestChain::Execute(std::span<const DrpcRequest> requests,
                           std::vector<DrpcResult>& results) {
  TxId cut;
  const SideMarks::Claim claim(marks_);
  WorkMark::OfThisThread().NoteRow({}, {}, function_.function, SizesOf(requests));
  requests_ = requests;
  given_up_ = false;
  Status status = RunBatch(requests, &cut);
  // States of other processes may have gone on meanwhile.
  for (int tries = 1; states_.MayWait() && absl::IsOutOfRange(status) && tries < kTriesMax;
       ++tries) {
    cut = TxId();
    status = RunBatch(requests, &cut);
  }
  requests_ = {};
  for (size_t i = 0; i < requests.size(); ++i) {
    if (status.ok()) {
      results[i] = DrpcAnswer{fields_, answers_->Take(i), cut};
    } else if (given_up_) {
      const bool left = requests[i].cancelled != nullptr &&
                        requests[i].cancelled->load(std::memory_order_relaxed);
      results[i] = left ? status : DeadlineExceeded(Message(status));
    } else if (requests.size() == 1) {
      results[i] = status;
    } else {
      // Whose fault it was is not known: each is to be executed alone.
      results[i] = Aborted(Message(status));
    }
  }
}

}  // namespace trident
