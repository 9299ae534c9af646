UPDATE things SET forgotten = 'somebody';
