/**
 * The words of SQL that a constrained answer may use beside the names of the schema: functions, types, operators. One list for
 * the four dialects: a function that a database lacks is its error to report, not an invented table.
 */

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

/** Words that are never a bare name; everything else may also be a column or an alias. */
export const reservedWords = words(`
  all and as asc between by case collate cross desc distinct else end escape except exists false from full group having ilike
  in inner intersect is isnull join left like limit natural not notnull null offset on or order outer right select
  set table then true union using values when where window with create delete drop insert into update`);

/** Words that `afterKeyword` knows, wherever one may stand. */
export const keywords: readonly string[] = [
  ...words(`
  all and as asc between by case cast collate cross current current_date current_time current_timestamp desc distinct
  else end escape except exclude exists false filter first following from full glob group groups having ilike in inner
  intersect is isnull join last left like limit match materialized natural not notnull null nulls offset on or order outer
  over partition preceding precision range recursive regexp right row rows select then true unbounded union using
  values varying when where window with within interval date timestamp`),
];

export const functionNames: ReadonlySet<string> = words(`
  abs acos acosh age any_value array_agg array_length array_to_string ascii asin asinh atan atan2 atanh avg bit_and bit_or
  bool_and bool_or btrim ceil ceiling changes char char_length character_length chr coalesce concat concat_ws corr cos cosh
  count covar_pop covar_samp cume_dist curdate current_date current_time current_timestamp curtime date date_add date_diff
  date_format date_part date_sub date_trunc dateadd datediff datepart datetime day dayname dayofmonth dayofweek dayofyear degrees
  dense_rank div epoch every exp extract field find_in_set first_value floor format from_unixtime generate_series
  glob greatest group_concat grouping hex hour if ifnull iif initcap instr isnull json json_agg json_array json_array_length
  json_each json_extract json_group_array json_group_object json_object json_quote json_tree json_type json_valid jsonb_agg
  julianday lag last_day last_value lcase lead least left len length like likelihood list list_agg listagg ln locate log
  log10 log2 lower lpad ltrim make_date max max_by md5 median microsecond mid min min_by minute mod mode month monthname
  now nth_value ntile nullif nvl octet_length overlay percent_rank percentile_cont percentile_disc pi position pow power
  printf quarter quote radians rand random rank regexp_extract regexp_like regexp_matches regexp_replace repeat replace
  reverse right round row_number rpad rtrim second sign sin sinh soundex split_part sqrt square stddev stddev_pop
  stddev_samp str_to_date strftime string_agg strip strpos strptime substr substring substring_index subtime sum sysdate
  tan tanh time timediff timestamp timestampadd timestampdiff to_char to_date to_days to_number to_timestamp today total
  translate trim trunc truncate typeof ucase unhex unicode unixepoch unnest upper uuid var_pop var_samp variance week
  weekday weekofyear width_bucket year zeroblob`);

/** Functions that stand where a table stands. */
export const tableFunctions: readonly string[] = ['generate_series', 'json_each', 'json_tree', 'unnest'];

export const typeNames: readonly string[] = [
  ...words(`
  bigint binary blob bool boolean char character date datetime decimal double float float4 float8 int int2 int4 int8
  integer interval json jsonb nchar numeric nvarchar real signed smallint text time timestamp timestamptz tinyint
  unsigned uuid varchar`),
];

export const collations: readonly string[] = ['nocase', 'binary', 'rtrim'];
export const rowIds: readonly string[] = ['rowid', 'oid', '_rowid_'];

export const operators: readonly string[] = [
  ...words('+ - * / % = == != <> < > <= >= || | & ~ << >> , ( ) ; . -> ->> ::'),
];
export const comparisons = words('= == != <> < > <= >=');
