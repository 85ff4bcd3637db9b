// Integers are fetched as such, everything else as text into buffers that grow once.
#include "mariadb/statement.h"

#include <fmt/format.h>
#include <mysql.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

#include "base/assert.h"

namespace sluice::mariadb {
namespace {

constexpr std::size_t kFirstBufferBytes = 256;
constexpr std::size_t kMaxDoingBytes = 60;
constexpr unsigned kServerLost = 2013;  // CR_SERVER_LOST

bool is_integer_type(enum_field_types type) {
  return type == MYSQL_TYPE_TINY || type == MYSQL_TYPE_SHORT || type == MYSQL_TYPE_INT24 ||
         type == MYSQL_TYPE_LONG || type == MYSQL_TYPE_LONGLONG || type == MYSQL_TYPE_YEAR;
}

}  // namespace

/// Where the row in hand lies. The library keeps pointers into it.
struct Statement::Rows {
  struct Column {
    std::string name;
    bool is_integer = false;
    bool is_unsigned = false;
    std::int64_t number = 0;
    unsigned long length = 0;
    my_bool is_null = 0;
    my_bool is_cut = 0;
    std::vector<char> buffer;
    std::string as_text;  ///< of a number
  };
  std::vector<Column> columns;
  std::vector<MYSQL_BIND> binds;
};

Statement::Statement() = default;
Statement::Statement(Statement&&) noexcept = default;
Statement& Statement::operator=(Statement&&) noexcept = default;
Statement::~Statement() = default;

Statement::Statement(st_mysql_stmt* handle, std::string where, std::string_view sql)
    : handle_(handle), where_(std::move(where)), doing_(sql.substr(0, kMaxDoingBytes)) {}

void Statement::Close::operator()(st_mysql_stmt* handle) const {
  mysql_stmt_close(handle);
}

// ---- values in ---------------------------------------------------------------------------------

int Statement::parameters() const {
  return static_cast<int>(parameters_.size());
}

st_mysql_bind& Statement::parameter(int index) {
  SLUICE_ASSERT(index >= 1 && index <= parameters(), "a statement has the parameter that is bound");
  MYSQL_BIND& bind = parameters_[static_cast<std::size_t>(index - 1)];
  bind = MYSQL_BIND{};
  return bind;
}

void Statement::bind(int index, std::int64_t value) {
  MYSQL_BIND& bind = parameter(index);
  std::int64_t& number = numbers_[static_cast<std::size_t>(index - 1)];
  number = value;
  bind.buffer_type = MYSQL_TYPE_LONGLONG;
  bind.buffer = &number;
}

void Statement::bind(int index, std::string_view text) {
  MYSQL_BIND& bind = parameter(index);
  bind.buffer_type = MYSQL_TYPE_STRING;
  // The library only reads it.
  bind.buffer = const_cast<char*>(text.data());  // NOLINT(cppcoreguidelines-pro-type-const-cast)
  bind.buffer_length = text.size();
  bind.length_value = text.size();
}

void Statement::bind(int index, std::span<const std::uint8_t> blob) {
  bind(index, std::string_view(reinterpret_cast<const char*>(blob.data()), blob.size()));
  parameters_[static_cast<std::size_t>(index - 1)].buffer_type = MYSQL_TYPE_BLOB;
}

void Statement::bind_null(int index) {
  parameter(index).buffer_type = MYSQL_TYPE_NULL;
}

Outcome<> Statement::execute() {
  if (!parameters_.empty() && mysql_stmt_bind_param(handle_.get(), parameters_.data()) != 0) {
    return std::unexpected(failure());
  }
  if (mysql_stmt_execute(handle_.get()) != 0) return std::unexpected(failure());
  return {};
}

Outcome<std::uint64_t> Statement::run() {
  if (auto done = execute(); !done) return std::unexpected(done.error());
  return mysql_stmt_affected_rows(handle_.get());
}

// ---- rows out ----------------------------------------------------------------------------------

Outcome<> Statement::query() {
  if (auto done = execute(); !done) return done;
  return bind_columns();
}

Outcome<> Statement::bind_columns() {
  MYSQL_RES* metadata = mysql_stmt_result_metadata(handle_.get());
  SLUICE_ASSERT(metadata != nullptr, "query() is for statements with rows");
  const unsigned count = mysql_num_fields(metadata);
  const MYSQL_FIELD* fields = mysql_fetch_fields(metadata);
  rows_ = std::make_unique<Rows>();
  rows_->columns.resize(count);
  rows_->binds.resize(count);
  for (unsigned i = 0; i < count; ++i) {
    Rows::Column& column = rows_->columns[i];
    MYSQL_BIND& bind = rows_->binds[i];
    bind = MYSQL_BIND{};
    column.name = fields[i].name;
    column.is_integer = is_integer_type(fields[i].type);
    column.is_unsigned = (fields[i].flags & UNSIGNED_FLAG) != 0;
    bind.is_null = &column.is_null;
    bind.length = &column.length;
    bind.error = &column.is_cut;
    if (column.is_integer) {
      bind.buffer_type = MYSQL_TYPE_LONGLONG;
      bind.is_unsigned = column.is_unsigned ? 1 : 0;
      bind.buffer = &column.number;
    } else {
      column.buffer.resize(kFirstBufferBytes);
      bind.buffer_type = MYSQL_TYPE_STRING;
      bind.buffer = column.buffer.data();
      bind.buffer_length = column.buffer.size();
    }
  }
  mysql_free_result(metadata);
  if (mysql_stmt_bind_result(handle_.get(), rows_->binds.data()) != 0) {
    return std::unexpected(failure());
  }
  return {};
}

Outcome<bool> Statement::next() {
  SLUICE_ASSERT(rows_ != nullptr, "next() follows query()");
  const int code = mysql_stmt_fetch(handle_.get());
  if (code == MYSQL_NO_DATA) return false;
  if (code != 0 && code != MYSQL_DATA_TRUNCATED) return std::unexpected(failure());
  if (auto fetched = fetch_long_values(); !fetched) return std::unexpected(fetched.error());
  return true;
}

Outcome<> Statement::fetch_long_values() {
  bool has_grown = false;
  for (std::size_t i = 0; i < rows_->columns.size(); ++i) {
    Rows::Column& column = rows_->columns[i];
    const std::size_t length = column.length;
    if (column.is_integer || column.is_null != 0 || length <= column.buffer.size() ||
        length > kMaxValueBytes) {
      continue;
    }
    column.buffer.resize(std::max(length, column.buffer.size() * 2));
    MYSQL_BIND& bind = rows_->binds[i];
    bind.buffer = column.buffer.data();
    bind.buffer_length = column.buffer.size();
    if (mysql_stmt_fetch_column(handle_.get(), &bind, static_cast<unsigned>(i), 0) != 0) {
      return std::unexpected(failure());
    }
    has_grown = true;
  }
  if (has_grown && mysql_stmt_bind_result(handle_.get(), rows_->binds.data()) != 0) {
    return std::unexpected(failure());
  }
  return {};
}

void Statement::reset() {
  if (handle_ != nullptr) mysql_stmt_free_result(handle_.get());
}

int Statement::columns() const {
  return rows_ == nullptr ? 0 : static_cast<int>(rows_->columns.size());
}

const std::string& Statement::name(int column) const {
  return rows_->columns.at(static_cast<std::size_t>(column)).name;
}

bool Statement::is_null(int column) const {
  return rows_->columns[static_cast<std::size_t>(column)].is_null != 0;
}

bool Statement::is_integer(int column) const {
  return rows_->columns[static_cast<std::size_t>(column)].is_integer;
}

std::int64_t Statement::integer(int column) const {
  const Rows::Column& found = rows_->columns[static_cast<std::size_t>(column)];
  if (found.is_null != 0) return 0;
  if (found.is_integer) return found.number;
  const std::string_view digits = text(column);
  std::int64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

std::string_view Statement::text(int column) const {
  Rows::Column& found = rows_->columns[static_cast<std::size_t>(column)];
  if (found.is_null != 0) return {};
  if (found.is_integer) {
    found.as_text = found.is_unsigned ? std::to_string(static_cast<std::uint64_t>(found.number))
                                      : std::to_string(found.number);
    return found.as_text;
  }
  if (found.length > found.buffer.size()) return {};
  return {found.buffer.data(), found.length};
}

std::span<const std::uint8_t> Statement::blob(int column) const {
  const std::string_view bytes = text(column);
  return {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
}

std::size_t Statement::length(int column) const {
  const Rows::Column& found = rows_->columns[static_cast<std::size_t>(column)];
  if (found.is_null != 0) return 0;
  return found.is_integer ? text(column).size() : found.length;
}

Failure Statement::failure() const {
  if (const unsigned code = mysql_stmt_errno(handle_.get()); code != 0) {
    return make_failure(doing_, where_, code, mysql_stmt_error(handle_.get()));
  }
  // When the connection goes while rows come in, the library tells the connection alone, or nobody.
  MYSQL* connection = handle_->mysql;
  if (connection != nullptr && mysql_errno(connection) != 0) {
    return make_failure(doing_, where_, mysql_errno(connection), mysql_error(connection));
  }
  return make_failure(doing_, where_, kServerLost, "the connection was lost");
}

}  // namespace sluice::mariadb
