-- Each file of a day updates the sums of its products. If the page has room for the new version, the update changes no
-- index. Existing pages keep their rows until these are updated.
ALTER TABLE sentiment.product_rollup SET (fillfactor = 70);
