# A queue that gets a message for each file dropped into the bucket, and a second one for messages that nobody deletes.
variable "name" { type = string }
variable "bucket" { type = string }
variable "bucket_arn" { type = string }
variable "prefix" { type = string }
variable "account_id" { type = string }
variable "key_arn" { type = string }

resource "aws_sqs_queue" "dead" {
  name                      = "${var.name}-dead"
  kms_master_key_id         = var.key_arn
  message_retention_seconds = 14 * 24 * 3600
}

resource "aws_sqs_queue" "this" {
  name              = var.name
  kms_master_key_id = var.key_arn
  # A message only says that the bucket must be listed. Polls and the nightly run find files whose message expired.
  message_retention_seconds = 3600
  receive_wait_time_seconds = 20
  redrive_policy            = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead.arn, maxReceiveCount = 5 })
}

resource "aws_sqs_queue_redrive_allow_policy" "dead" {
  queue_url            = aws_sqs_queue.dead.id
  redrive_allow_policy = jsonencode({ redrivePermission = "byQueue", sourceQueueArns = [aws_sqs_queue.this.arn] })
}

resource "aws_sqs_queue_policy" "this" {
  queue_url = aws_sqs_queue.this.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "NotificationsOfTheBucket"
      Effect    = "Allow"
      Principal = { Service = "s3.amazonaws.com" }
      Action    = "sqs:SendMessage"
      Resource  = aws_sqs_queue.this.arn
      Condition = {
        ArnEquals    = { "aws:SourceArn" = var.bucket_arn }
        StringEquals = { "aws:SourceAccount" = var.account_id }
      }
    }]
  })
}

resource "aws_s3_bucket_notification" "this" {
  bucket = var.bucket
  queue {
    queue_arn     = aws_sqs_queue.this.arn
    events        = ["s3:ObjectCreated:*"]
    filter_prefix = var.prefix
  }
  # S3 sends a test message and fails if it cannot.
  depends_on = [aws_sqs_queue_policy.this]
}

resource "aws_cloudwatch_metric_alarm" "dead" {
  alarm_name          = "${var.name}-dead"
  alarm_description   = "Messages were received five times and never deleted. Read the logs of Airflow's triggerer."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.dead.name }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
}

output "arn" {
  value = aws_sqs_queue.this.arn
}
