/** Authorized operations in descriptions of groups. */

/** Without authorization everything is allowed: READ 3, DELETE 6, DESCRIBE 8, DESCRIBE_CONFIGS 10, ALTER_CONFIGS 11, a bit each. */
export const ALL_GROUP_OPERATIONS = (1 << 3) | (1 << 6) | (1 << 8) | (1 << 10) | (1 << 11)
export const OPERATIONS_NOT_ASKED = -2147483648
