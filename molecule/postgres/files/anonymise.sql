UPDATE things SET name = 'somebody';
