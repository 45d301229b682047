{% test unique_combination(model, columns) %}
-- Rows that share the values of these columns. Null equals null.
select {{ columns | join(', ') }}, count(*) as rows
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1
{% endtest %}
