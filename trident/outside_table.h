// SPDX-License-Identifier: Apache-2.0
//
// OutsideTable: a map state in a table of the program's own, by typed keys. The engine's encoding
// of keys and their partitions stay hidden.
//
//   class Prices : public KeyedTable<OpaqueValue<double>, Text> {      // by one text field
//     StatusOr<std::vector<std::optional<Row>>> Get(std::span<const Key> keys) override { ... }
//     Status Put(std::span<const Key> keys, std::span<const std::optional<Row>> rows) override {
//     ... }
//   };
//   trades.GroupBy(kSymbol).PersistentAggregate(
//       {.name = "prices", .where = OutsideTable<Prices>(open)}, kPrice, MaxOf<double>(), kPrice);
#ifndef TRIDENT_TRIDENT_OUTSIDE_TABLE_H_
#define TRIDENT_TRIDENT_OUTSIDE_TABLE_H_

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "base/key_encoding.h"
#include "engine/data/field.h"
#include "trident/outside_state.h"

namespace trident {

namespace table_internal {

// The form in which a program gets a key field of type T: owned.
template <class T>
struct KeyPart {
  using type = Owned<T>;
  static type From(Datum& datum) { return std::get<type>(std::move(datum.value)); }
};
template <class T>
struct KeyPart<std::optional<T>> {
  using type = std::optional<Owned<T>>;
  static type From(Datum& datum) {
    if (datum.is_null()) return std::nullopt;
    return KeyPart<T>::From(datum);
  }
};

template <class... Ks>
struct KeyOf {
  using type = std::tuple<typename KeyPart<Ks>::type...>;
};
template <class K>
struct KeyOf<K> {
  using type = typename KeyPart<K>::type;
};
template <>
struct KeyOf<> {
  using type = std::tuple<>;
};

}  // namespace table_internal

// One partition of a table. `Ks` are the types of the group's fields, as in their tokens; `Stored`
// says the state's kind (V, TransactionalValue<V>, OpaqueValue<V>). Calls to one object never
// overlap. Those for a batch come from an executor thread, those for queries from any thread. An
// error or an exception fails the batch, which is then made again.
template <class Stored, class... Ks>
class KeyedTable {
 public:
  using Row = Stored;
  // With one key field its value, else a std::tuple; texts and bytes are owned. A table without key
  // fields has one row.
  using Key = typename table_internal::KeyOf<Ks...>::type;

  virtual ~KeyedTable() = default;
  // One answer per key, in their order; nullopt: there is no such row. Keys do not repeat.
  virtual StatusOr<std::vector<std::optional<Row>>> Get(std::span<const Key> keys) = 0;
  // Stores rows[i] under keys[i]; nullopt: forgets the key. Called at most once per batch. Must not
  // return ok before the rows would survive a crash. Rows that a failed call left stored are made
  // right when the batch is made again.
  virtual Status Put(std::span<const Key> keys, std::span<const std::optional<Row>> rows) = 0;
  // Called for every txid when all of it is stored here, even if it brought nothing.
  virtual Status Record(TxId /*txid*/) { return absl::OkStatus(); }
};

namespace table_internal {

// Shows a KeyedTable to the engine as a map.
template <class Stored, class... Ks>
class TableMap final : public BackingMap<Stored> {
 public:
  using Table = KeyedTable<Stored, Ks...>;
  using Key = typename Table::Key;
  using Names = std::span<const std::string_view>;

  explicit TableMap(std::unique_ptr<Table> table) : table_(std::move(table)) {}

  StatusOr<std::vector<std::optional<Stored>>> MultiGet(Names keys) override {
    TRIDENT_ASSIGN_OR_RETURN(const std::vector<Key> typed, Decode(keys));
    TRIDENT_ASSIGN_OR_RETURN(std::vector<std::optional<Stored>> found, table_->Get(typed));
    if (found.size() == keys.size()) return found;
    return Internal("Get was asked for ", keys.size(), " keys but gave ", found.size(),
                    " values; it must give one per key, in their order");
  }
  Status MultiPut(Names keys, std::span<const std::optional<Stored>> values) override {
    TRIDENT_ASSIGN_OR_RETURN(const std::vector<Key> typed, Decode(keys));
    return table_->Put(typed, values);
  }
  Status Record(TxId txid) override { return table_->Record(txid); }

  static std::vector<KeyField> Fields() {
    std::vector<KeyField> fields;
    for (const SchemaField& field : FieldList<Ks...>{{Field<Ks>{}...}}.Describe()) {
      fields.push_back({field.name, field.type, field.nullability});
    }
    return fields;
  }

 private:
  StatusOr<std::vector<Key>> Decode(Names keys) const {
    static const std::vector<KeyField> fields = Fields();
    std::vector<Key> typed;
    typed.reserve(keys.size());
    for (std::string_view key : keys) {
      TRIDENT_ASSIGN_OR_RETURN(std::vector<Datum> parts, DecodeKey(fields, key));
      typed.push_back(Assemble(parts, std::index_sequence_for<Ks...>{}));
    }
    return typed;
  }
  template <size_t... I>
  static Key Assemble([[maybe_unused]] std::vector<Datum>& parts, std::index_sequence<I...>) {
    return Key{KeyPart<Ks>::From(parts[I])...};
  }

  const std::unique_ptr<Table> table_;
};

template <class Stored, class... Ks>
class TableHome final : public outside_internal::MapHome<Stored> {
 public:
  using Table = KeyedTable<Stored, Ks...>;
  explicit TableHome(OpenPartition<Table> open)
      : outside_internal::MapHome<Stored>([open = std::move(open)](const StateSlice& slice)
                                              -> StatusOr<std::unique_ptr<BackingMap<Stored>>> {
          if (open == nullptr) {
            return InvalidArgument("OutsideTable got no function that opens it");
          }
          TRIDENT_ASSIGN_OR_RETURN(auto table, open(slice));
          if (table == nullptr) return Internal("the function gave no table");
          return std::make_unique<TableMap<Stored, Ks...>>(std::move(table));
        }) {}

  Status CheckKey(std::span<const KeyField> key) const override {
    return CheckKeyTypes(TableMap<Stored, Ks...>::Fields(), key);
  }
};

template <class Table, class Stored, class... Ks>
std::shared_ptr<const StateHome> HomeOf(OpenPartition<Table> open,
                                        const KeyedTable<Stored, Ks...>* /*its base*/) {
  using Home = TableHome<Stored, Ks...>;
  if (open == nullptr) return std::make_shared<Home>(nullptr);
  return std::make_shared<Home>([open = std::move(open)](const StateSlice& slice)
                                    -> StatusOr<std::unique_ptr<KeyedTable<Stored, Ks...>>> {
    TRIDENT_ASSIGN_OR_RETURN(std::unique_ptr<Table> table, open(slice));
    return std::unique_ptr<KeyedTable<Stored, Ks...>>(std::move(table));
  });
}

}  // namespace table_internal

// Is Table derived from a KeyedTable?
template <class Table>
concept IsKeyedTable = requires(const Table* table) {
  table_internal::HomeOf<Table>(nullptr, table);
};

// A map in a table of the program. `Table` is derived from a KeyedTable; there is one object per
// partition. Topology::Build refuses it for a stream whose group has fields of other types.
template <class Table>
std::shared_ptr<const StateHome> OutsideTable(OpenPartition<Table> open) {
  static_assert(IsKeyedTable<Table>,
                "OutsideTable<T>: T must be derived from trident::KeyedTable<Stored, Keys...>");
  if constexpr (IsKeyedTable<Table>) {
    return table_internal::HomeOf<Table>(std::move(open), static_cast<const Table*>(nullptr));
  }
}

}  // namespace trident

#endif  // TRIDENT_TRIDENT_OUTSIDE_TABLE_H_
