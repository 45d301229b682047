-- Which files did release 0.2.0 or earlier mark as duplicates of a file in another source? Load them with replace.
SELECT copy.day, copy.source, copy.key, original.source AS original_source, original.key AS original_key,
       copy.source_file_id
FROM sentiment.source_file copy
JOIN sentiment.source_file original ON original.source_file_id = copy.duplicate_of
WHERE copy.source <> original.source
ORDER BY copy.day, copy.key;
