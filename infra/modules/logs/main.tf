# Log groups that programs in the cluster write to. They exist before the first line, because a program that finds none
# creates one whose lines are kept for ever.
variable "groups" { type = set(string) }
variable "log_days" { type = number }
variable "key_arn" { type = string }

resource "aws_cloudwatch_log_group" "this" {
  for_each          = var.groups
  name              = each.key
  retention_in_days = var.log_days
  kms_key_id        = var.key_arn
}
